/* machine.c - machine code of a model's entries, made when somebody asks for it. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

/* ---- C text, and what is found in its machine code ---- */

/* Of the model's entries [first, first + count). */
static sg_emission
emit(sg_model *m, bool jit, bool threads, size_t first, size_t count)
{
	sg_emit_options o = {
	    .prefix = m->program->name, .standalone = !jit, .jit = jit, .threads = threads};
	double start = sg_clock();
	sg_emission e = {.first = first,
	                 .count = count,
	                 .name = SG_NEW_ARRAY(m->ctx, const char *, 3 * count + 2),
	                 .addr = SG_NEW_ARRAY(m->ctx, void *, 3 * count + 2),
	                 .entry = SG_NEW_ARRAY(m->ctx, sg_code_entry, m->nentries)};
	sg_program p = *m->program;
	sg_buf text;

	p.entry += first;
	p.nentries = count;
	sg_buf_init(&text, m->ctx);
	e.c = sg_emit(m->ctx, &p, &o, &text, NULL);
	e.text = sg_buf_text(&text);
	for (size_t i = 0; i < count; i++) {
		e.name[e.n++] = e.c[i].fn;
		e.name[e.n++] = e.c[i].call;
		if (e.c[i].call_defaults)
			e.name[e.n++] = e.c[i].call_defaults;
		e.entry[first + i].work = e.c[i].bytes;
	}
	if (threads) { /* variables of the code, which it calls the pool by: see set_pool */
		e.name[e.n++] = "sgrt_pool";
		e.name[e.n++] = "sgrt_parallel";
	}
	m->times.emit += sg_clock() - start;
	return e;
}

sg_emission
sg_emit_code(sg_model *m, bool jit, bool threads)
{
	const sg_emission e = emit(m, jit, threads, 0, m->nentries);

	m->c_names = e.c;
	return e;
}

void
sg_place_code(const sg_emission *e)
{
	for (size_t i = 0, k = 0; i < e->count; i++) {
		sg_code_entry *at = &e->entry[e->first + i];

		memcpy(&at->fn, &e->addr[k++], sizeof(void *));
		memcpy(&at->call, &e->addr[k++], sizeof(void *));
		if (e->c[i].call_defaults)
			memcpy(&at->defaults, &e->addr[k++], sizeof(void *));
	}
}

/* ---- machine code on demand ---- */

/* What the compiler said, into the model's arena; why is freed also where that has no room. Without
 * memory it said nothing, and the next one who asks may have more. */
static void
keep_reason(sg_model *m, bool jit, sg_machine *mc, char *why)
{
	size_t n = why ? strlen(why) : 0;
	char keep[2048];

	n = n < sizeof keep - 1 ? n : sizeof keep - 1;
	if (n)
		memcpy(keep, why, n);
	keep[n] = '\0';
	free(why);
	mc->tried = n > 0;
	mc->status = !n ? SG_ENOMEM : jit && sg_have_tcc() ? SG_EDEFECT : SG_EBACKEND;
	mc->why = n ? sg_text(m->ctx, "%s", keep) : "out of memory";
}

static void
set_pool(sg_model *m, const sg_emission *e)
{
	int (*const run)(void *, sg_part *, void *, ptrdiff_t, ptrdiff_t) = sg_pool_run;

	memcpy(e->addr[e->n - 2], &m->pool, sizeof m->pool);
	memcpy(e->addr[e->n - 1], &run, sizeof run);
}

static void
load(sg_model *m, bool jit, bool threads, sg_emission e, sg_machine *mc)
{
	double emitted = sg_clock();
	char *why = NULL;

	if (jit)
		sg_keep_work(m, e.first, e.count, e.c);
	mc->code = (jit ? sg_load_tcc : sg_load_cc)(e.text, e.n, e.name, e.addr, &why);
	m->times.compile += sg_clock() - emitted;
	mc->tried = true;
	if (!mc->code) {
		keep_reason(m, jit, mc, why);
		return;
	}
	sg_place_code(&e);
	if (threads)
		set_pool(m, &e);
	mc->entry = e.entry;
}

static const sg_code_entry *
made(const sg_machine *mc, size_t entry, const char *backend, sg_failure *why)
{
	if (mc->code)
		return &mc->entry[entry];
	sg_refuse(why, mc->status, "%s: %s", backend, mc->why);
	return NULL;
}

/* All entries' machine code. */
static const sg_machine *
whole(sg_model *m, bool jit, bool threads, sg_machine *mc)
{
	if (!mc->tried)
		load(m, jit, threads, sg_emit_code(m, jit, threads), mc);
	return mc;
}

/* The JIT's machine code of the entry: of it alone, or of all. */
static const sg_machine *
jit_of(sg_model *m, bool threads, size_t entry)
{
	sg_jit *j = threads ? &m->wide : &m->jit;

	if (j->all.tried || m->nentries == 1 || (j->one.tried && j->entry != entry))
		return whole(m, true, threads, &j->all);
	if (!j->one.tried)
		load(m, true, threads, emit(m, true, threads, entry, 1), &j->one);
	j->entry = entry;
	return &j->one;
}

const sg_code_entry *
sg_code_of(sg_model *m, sg_backend b, const sg_entry_data *e, sg_failure *why)
{
	const size_t entry = (size_t)(e - m->entry);

	if (b == SG_BACKEND_JIT)
		return made(jit_of(m, false, entry), entry, "jit", why);
	if (b == SG_BACKEND_CC)
		return made(whole(m, false, false, &m->cc), entry, "cc", why);
	sg_refuse(why, SG_EBACKEND, "this back end makes no machine code");
	return NULL;
}

const sg_code_entry *
sg_code_with_threads(sg_model *m, const sg_entry_data *e, sg_failure *why)
{
	const size_t entry = (size_t)(e - m->entry);

	return made(jit_of(m, true, entry), entry, "jit", why);
}

const sg_code_entry *
sg_code_there(const sg_model *m, bool threads, const sg_entry_data *e)
{
	const sg_jit *j = threads ? &m->wide : &m->jit;
	const size_t entry = (size_t)(e - m->entry);

	if (j->one.code && j->entry == entry)
		return &j->one.entry[entry];
	return j->all.code ? &j->all.entry[entry] : NULL;
}

void
sg_make_code(sg_model *m, sg_backend b)
{
	if (b == SG_BACKEND_JIT)
		(void)whole(m, true, false, &m->jit.all);
	else if (b == SG_BACKEND_CC)
		(void)whole(m, false, false, &m->cc);
}

sg_backend
sg_backend_choice(sg_model *m, sg_backend b)
{
	if (b == SG_BACKEND_TIERED && m->cc.code)
		return SG_BACKEND_CC;
	if (b == SG_BACKEND_TIERED)
		return sg_have_tcc() ? SG_BACKEND_JIT : SG_BACKEND_INTERP;
	if (b != SG_BACKEND_AUTO && b != SG_BACKEND_LATER)
		return b;
	if (sg_have_tcc())
		return SG_BACKEND_JIT;
	return whole(m, false, false, &m->cc)->code ? SG_BACKEND_CC : SG_BACKEND_INTERP;
}

int
sg_set_threads(sg_model *m, int threads)
{
	return m && sg_pool_set(m->pool, threads) ? SG_OK : SG_EVALUE;
}

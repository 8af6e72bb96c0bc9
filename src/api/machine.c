/* machine.c - machine code of a model's entries, made when somebody asks for it. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

/* ---- C text, and what is found in its machine code ---- */

sg_emission
sg_emit_code(sg_model *m, bool jit, bool threads)
{
	sg_emit_options o = {
	    .prefix = m->program->name, .standalone = !jit, .jit = jit, .threads = threads};
	double start = sg_clock();
	sg_emission e = {.name = SG_NEW_ARRAY(m->ctx, const char *, 3 * m->nentries + 2),
	                 .addr = SG_NEW_ARRAY(m->ctx, void *, 3 * m->nentries + 2),
	                 .entry = SG_NEW_ARRAY(m->ctx, sg_code_entry, m->nentries)};
	sg_buf text;

	sg_buf_init(&text, m->ctx);
	e.c = m->c_names = sg_emit(m->ctx, m->program, &o, &text, NULL);
	e.text = sg_buf_text(&text);
	for (size_t i = 0; i < m->nentries; i++) {
		e.name[e.n++] = e.c[i].fn;
		e.name[e.n++] = e.c[i].call;
		if (e.c[i].call_defaults)
			e.name[e.n++] = e.c[i].call_defaults;
		e.entry[i].work = e.c[i].bytes;
	}
	if (threads) { /* variables of the code, which it calls the pool by: see set_pool */
		e.name[e.n++] = "sgrt_pool";
		e.name[e.n++] = "sgrt_parallel";
	}
	m->times.emit += sg_clock() - start;
	return e;
}

void
sg_place_code(const sg_emission *e, size_t nentries)
{
	for (size_t i = 0, k = 0; i < nentries; i++) {
		memcpy(&e->entry[i].fn, &e->addr[k++], sizeof(void *));
		memcpy(&e->entry[i].call, &e->addr[k++], sizeof(void *));
		if (e->c[i].call_defaults)
			memcpy(&e->entry[i].defaults, &e->addr[k++], sizeof(void *));
	}
}

/* ---- machine code on demand ---- */

/* What the compiler said, into the model's arena; why is freed also where that has no room. */
static void
keep_reason(sg_model *m, sg_machine *mc, char *why)
{
	size_t n = why ? strlen(why) : 0;
	char keep[2048];

	n = n < sizeof keep - 1 ? n : sizeof keep - 1;
	if (n)
		memcpy(keep, why, n);
	keep[n] = '\0';
	free(why);
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
emit_and_load(sg_model *m, bool jit, bool threads, sg_machine *mc)
{
	sg_emission e = sg_emit_code(m, jit, threads);
	double emitted = sg_clock();
	char *why = NULL;

	for (size_t i = 0; jit && i < m->nentries; i++)
		if (!m->entry[i].has_work) { /* so that nothing is planned twice */
			m->entry[i].work = e.c[i].bytes;
			m->entry[i].has_work = true;
		}
	mc->code = (jit ? sg_load_tcc : sg_load_cc)(e.text, e.n, e.name, e.addr, &why);
	m->times.compile += sg_clock() - emitted;
	if (!mc->code) {
		mc->status = jit && sg_have_tcc() ? SG_EDEFECT : SG_EBACKEND;
		keep_reason(m, mc, why);
		return;
	}
	sg_place_code(&e, m->nentries);
	if (threads)
		set_pool(m, &e);
	mc->entry = e.entry;
}

static const sg_machine *
made(sg_model *m, bool jit, bool threads, sg_machine *mc, sg_failure *why)
{
	if (!mc->tried) {
		emit_and_load(m, jit, threads, mc);
		mc->tried = true;
	}
	if (mc->code)
		return mc;
	sg_refuse(why, mc->status, "%s: %s", jit ? "jit" : "cc", mc->why);
	return NULL;
}

const sg_machine *
sg_machine_of(sg_model *m, sg_backend b, sg_failure *why)
{
	if (b == SG_BACKEND_JIT)
		return made(m, true, false, &m->jit, why);
	if (b == SG_BACKEND_CC)
		return made(m, false, false, &m->cc, why);
	sg_refuse(why, SG_EBACKEND, "this back end makes no machine code");
	return NULL;
}

const sg_machine *
sg_machine_with_threads(sg_model *m, sg_failure *why)
{
	return made(m, true, true, &m->wide, why);
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
	return sg_machine_of(m, SG_BACKEND_CC, NULL) ? SG_BACKEND_CC : SG_BACKEND_INTERP;
}

int
sg_set_threads(sg_model *m, int threads)
{
	return m && sg_pool_set(m->pool, threads) ? SG_OK : SG_EVALUE;
}

/* func.c - the body of one written function: its variables, and its steps in order. */
#include "back/branch.h"
#include "back/nest.h"

#include <ctype.h>
#include <string.h>

void
sg_fn_compile(sg_fn *f)
{
	f->aff_map = sg_bytes_map_new(f->ctx);
	f->val_map = sg_bytes_map_new(f->ctx);
	(void)sg_aff_ext(f, sg_ext_int(f->sp, 0)); /* form 0, which values without a form have */
	sg_find_branches(f);
	sg_plan_loops(f);
	sg_classify(f);
	f->nunits = f->g->n;
	f->unit_val = SG_NEW_ARRAY(f->ctx, sg_unit_val, 2 * (size_t)f->nunits);
	sg_schedule(f);
	sg_split_fn(f);
	sg_plan_memory(f);
	sg_split_memory(f);
}

/* ---- names ---- */

static bool
has_variable(const sg_fn *f, const sg_place *p)
{
	if (p->stored)
		return !p->out || p->carried;
	if (!p->unit || p->fused || p->kind == SG_P_LEAF)
		return false;
	return p->reads > 0 || (p->out && f->out[p->out - 1].kind == SG_O_NEW);
}

/* The arrays of a body are declared outside of its loop. */
static const char *
array_name(sg_fn *f, const char *hint)
{
	const char *name = sg_name_fresh(&f->names, hint);

	if (f->around)
		sg_name_take(&f->around->names, name);
	return name;
}

static const char *
variable_name(sg_fn *f, sg_ref r)
{
	const char *hint = sg_hint(f, r, sg_fn_node(f, r)->op == SG_LU ? "lu" : NULL);
	const sg_fn_out *out = f->at[r].out ? &f->out[f->at[r].out - 1] : NULL;

	if (out && out->kind == SG_O_NEW && f->at[r].unit)
		return out->name;

	if (hint && out && strcmp(hint, out->name) == 0)
		hint = sg_text(f->ctx, "%.30s_value", hint);
	if (f->at[r].stands)
		hint = "lanes";
	return f->at[r].stored ? array_name(f, hint) : sg_name_fresh(&f->names, hint);
}

/* arrays: those of a body, which stand outside of its loop; else all others. What lies over another has
 * its name, be that a later node. */
static void
name_values(sg_fn *f, bool arrays)
{
	for (int over = 0; over < 2; over++)
		for (sg_ref r = 1; r < f->g->n; r++)
			if (f->at[r].kind != SG_P_DEAD && has_variable(f, &f->at[r]) &&
			    (f->around && f->at[r].stored) == arrays && (f->at[r].over != 0) == over)
				f->at[r].name = over ? f->at[f->at[r].over].name : variable_name(f, r);
}

static void
name_everything(sg_fn *f)
{
	static const char *const loops[] = {"i", "j", "k", "l", "m", "n", "p", "q"};
	const size_t nloops = sizeof loops / sizeof *loops;
	uint32_t most = 1; /* an array is cleared by a loop */

	name_values(f, true); /* outside first, so that no name inside is one of these */
	f->slot_name = SG_NEW_ARRAY(f->ctx, const char *, f->nslots + 1);
	for (size_t k = 0; k < f->nslots; k++)
		f->slot_name[k] = array_name(f, "space");
	for (size_t s = 0; s < f->nsteps; s++) {
		if (f->step[s].nloops > most)
			most = f->step[s].nloops;
		if (f->step[s].kind == SG_S_CALL)
			most = SG_MAX_RANK;
	}
	for (uint32_t k = 0; k < most && k < SG_MAX_LOOPS; k++)
		f->loop[k] = f->around && f->around->loop[k]
		                 ? f->around->loop[k]
		                 : sg_name_fresh(&f->names, loops[k < nloops ? k : nloops - 1]);
	f->from = f->around ? f->around->from : sg_name_fresh(&f->names, "from");
	f->to = f->around ? f->around->to : sg_name_fresh(&f->names, "to");
	f->tile = f->around ? f->around->tile : sg_name_fresh(&f->names, "tile");
	f->status = f->around ? f->around->status : sg_name_fresh(&f->names, "status");
	if (f->nbands) {
		f->row = sg_name_fresh(&f->names, "row");
		f->end = sg_name_fresh(&f->names, "end");
	}
	sg_name_kept(f);
	if (f->guards)
		f->tests = sg_name_fresh(&f->names, "taken");
	name_values(f, false);
}

/* ---- declarations ---- */

static void
declare_array(sg_fn *f, sg_ref r, const char *base, bool is_void)
{
	const sg_place *p = &f->at[r];
	const char *type = sg_type_c_name((sg_type)sg_fn_node(f, r)->type);

	if (p->local)
		sg_line(f, "%s %s[%lld]%s;", type, p->name, (long long)p->local,
		        f->guards ? " = {0}" : ""); /* compilers can't tell that it was written */
	else if (p->offset == 0 && is_void)
		sg_line(f, "%s *const %s = %s;", type, p->name, base);
	else if (p->offset == 0)
		sg_line(f, "%s *const %s = (%s *)(void *)%s;", type, p->name, type, base);
	else
		sg_line(f, "%s *const %s = (%s *)(void *)(%s%s + %lld);", type, p->name, type,
		        is_void ? "(char *)" : "", base, (long long)p->offset);
}

/* Slots lie behind the fixed part, each behind the one before. */
static void
declare_slots(sg_fn *f)
{
	const char *const *slot = f->slot_name;

	for (size_t k = 0; k < f->nslots; k++) {
		if (k > 0)
			sg_line(f, "char *const %s = %s + %s(%s);", slot[k], slot[k - 1],
			        sg_rounded_name(f->m), sg_ext_bare(f, f->slot[k - 1].bytes));
		else if (f->fixed > 0)
			sg_line(f, "char *const %s = (char *)%s + %lld;", slot[k], f->work,
			        (long long)f->fixed);
		else if (f->around)
			sg_line(f, "char *const %s = (char *)%s;", slot[k], f->work);
		else
			sg_line(f, "char *const %s = %s;", slot[k], f->work);
	}
}

/* May the workspace have no bytes? */
static bool
may_have_no_work(const sg_fn *f)
{
	const sg_ext one = sg_ext_int(f->sp, 1);

	if (f->around || f->fixed > 0)
		return false;
	for (size_t k = 0; k < f->nslots; k++)
		if (sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, f->slot[k].bytes, one)))
			return false;
	return f->nslots > 0;
}

/* C knows no address at an offset from NULL, not even at 0. */
static void
declare_nothing(sg_fn *f)
{
	const char *none;

	if (!may_have_no_work(f))
		return;
	none = sg_name_fresh(&f->names, "none");
	sg_line(f, "char %s; /* stands for a workspace of no bytes */", none);
	sg_line(f, "if (!%s)", f->work);
	sg_line(f, "\t%s = &%s;", f->work, none);
}

static void
declare_arrays(sg_fn *f)
{
	declare_nothing(f);
	declare_slots(f);
	for (sg_ref r = 1; r < f->g->n; r++) {
		const sg_place *p = &f->at[r];

		if (p->planned && !p->unread)
			declare_array(f, r, p->slot ? f->slot_name[p->slot - 1] : f->work,
			              p->slot == 0 && !f->around);
	}
	sg_declare_kept(f);
	sg_declare_tests(f);
}

/* Room for tiles, in whole lines of the cache. */
void
sg_declare_tile(sg_fn *f)
{
	const char *room;

	if (f->tile_bytes == 0)
		return;
	room = sg_name_fresh(&f->names, "room");
	sg_line(f, "char %s[%lld];", room, (long long)f->tile_bytes + 64);
	sg_line(f, "char *const %s = %s + (64 - ((size_t)%s & 63));", f->tile, room, room);
}

/* ---- what the text reads ---- */

size_t
sg_word_at(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* The array in "x", "x[2]" or "(x + 3)". */
static const char *
array_in(const char *name)
{
	return name + strspn(name, "(&*");
}

void
sg_find_read(sg_ctx *ctx, const char *text, size_t n, const char *const *name, bool *is_read)
{
	sg_bytes_map *words = sg_bytes_map_new(ctx);

	for (const char *s = text; *s;) {
		const size_t size = sg_word_at(s);

		if (size) {
			*sg_bytes_map_at(words, s, size) = words;
			s += size;
			continue;
		}
		const char *end = s[0] == '/' && s[1] == '*' ? strstr(s, "*/") : NULL;
		s = end ? end + 2 : s + 1;
	}
	for (size_t i = 0; i < n; i++)
		if (name[i]) {
			const char *x = array_in(name[i]);

			is_read[i] = sg_bytes_map_get(words, x, sg_word_at(x)) != NULL;
		}
}

/* Arguments that no text reads. */
static void
mention_unread(sg_fn *f, const bool *used)
{
	for (size_t i = 0; i < f->m->p->ninputs; i++)
		if (used[i] && !f->is_read[i])
			sg_line(f, "(void)%s;", f->input[i]);
}

static void
print_step(sg_fn *f, sg_step *s)
{
	sg_nest n;

	switch ((sg_step_kind)s->kind) {
	case SG_S_NEST:
		sg_nest_open(&n, f, s);
		sg_nest_print(&n);
		sg_nest_close(&n);
		break;
	case SG_S_CALL:
		sg_print_call(f, s);
		break;
	case SG_S_FILL:
		sg_print_origin(f, &s->ref, 1);
		sg_print_fill(f, s->ref);
		break;
	case SG_S_LOOP:
		sg_print_loop(f, s);
		break;
	case SG_S_TEST:
		sg_print_test(f, s);
		break;
	case SG_S_DONE:
	case SG_S_TURN:
		break;
	}
}

/* What a step of a band does before the first tile: sums begin. */
static void
open_member(sg_fn *f, sg_step *s, sg_nest *n)
{
	if (s->kind == SG_S_NEST)
		sg_nest_open(n, f, s);
	else if (s->kind == SG_S_CALL)
		sg_open_call(f, s);
	else if (s->kind == SG_S_FILL && !f->at[s->ref].band)
		sg_print_fill(f, s->ref);
}

static void
print_member(sg_fn *f, sg_step *s, sg_nest *n)
{
	if (s->kind == SG_S_NEST)
		sg_nest_print(n);
	else if (s->kind == SG_S_CALL)
		sg_print_call(f, s);
	else if (s->kind == SG_S_FILL && f->at[s->ref].band)
		sg_print_fill(f, s->ref);
	else if (s->kind == SG_S_TURN && f->band[s->band - 1].columns)
		sg_print_turn(f, s);
}

static void
print_band(sg_fn *f, const sg_band *b)
{
	sg_nest *nest = SG_NEW_ARRAY(f->ctx, sg_nest, b->n);
	const uint32_t *order = f->order + b->first;
	const char *rows = sg_ext_bare(f, b->rows);

	for (uint32_t k = 0; k < b->n; k++)
		open_member(f, &f->step[order[k]], &nest[k]);
	sg_find_counts(nest, b->n);
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s += %u) {", f->row, f->row, rows, f->row,
	        (unsigned)b->tile);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %u ? %s : %s + %u;", f->end, rows, f->row,
	        (unsigned)b->tile, rows, f->row, (unsigned)b->tile);
	for (uint32_t k = 0; k < b->n; k++)
		print_member(f, &f->step[order[k]], &nest[k]);
	f->indent--;
	sg_line(f, "}");
	for (uint32_t k = 0; k < b->n; k++)
		if (f->step[order[k]].kind == SG_S_NEST)
			sg_nest_close(&nest[k]);
}

size_t
sg_item_end(const sg_fn *f, size_t at)
{
	const uint32_t band = f->step[f->order[at]].band;

	return at + (band ? f->band[band - 1].n : 1);
}

/* Is the next step a function of the same angle, in the same block? */
static bool
has_angle_of_next(const sg_fn *f, size_t at)
{
	const uint32_t s = f->order[at], next = at + 1 < f->nsteps ? f->order[at + 1] : s;
	const sg_ref angle = f->angle[f->step[s].ref];

	return next != s && angle && f->angle[f->step[next].ref] == angle &&
	       f->step[next].guard == f->step[s].guard && sg_same_piece(f, s, next);
}

void
sg_print_steps_at(sg_fn *f, size_t at)
{
	sg_step *s = &f->step[f->order[at]];

	if (s->band)
		print_band(f, &f->band[s->band - 1]);
	else
		print_step(f, s);
	if (!has_angle_of_next(f, at))
		sg_print_late_outs(f);
}

size_t
sg_print_item(sg_fn *f, size_t at)
{
	if (sg_item_guard(f, at))
		return sg_print_run(f, at);
	sg_print_steps_at(f, at);
	return sg_item_end(f, at);
}

static void
print_steps(sg_fn *f)
{
	sg_open_tests(f);
	if (f->split)
		sg_print_pieces(f);
	for (size_t i = 0; i < f->nsteps && !f->split;)
		i = sg_print_item(f, i);
}

/* used: by input, whether it is a parameter of the function; NULL: none is, as for a default, of which
 * there may be as many as there are inputs. */
void
sg_fn_print(sg_fn *f, const bool *used)
{
	sg_buf *out = f->b, steps;

	if (used)
		f->is_read = SG_NEW_ARRAY(f->ctx, bool, f->m->p->ninputs);
	sg_find_leaving(f);
	name_everything(f);
	sg_buf_init(&steps, f->ctx);
	f->b = &steps;
	f->names_exts = f->m->o->jit && !f->split; /* libtcc would call functions at each place */
	print_steps(f);
	f->names_exts = false;
	f->b = out;
	if (used && !f->m->o->jit)
		sg_find_read(f->ctx, sg_buf_text(&steps), f->m->p->ninputs, f->input, f->is_read);
	declare_arrays(f);
	sg_declare_tile(f);
	sg_declare_exts(f);
	if (f->has_status)
		sg_line(f, "int %s = %s;", f->status, sg_use(f->m, "SGRT_OK"));
	if (used)
		mention_unread(f, used);
	if (steps.n && steps.s[0] != '\n' && out->n > 1 && out->s[out->n - 2] != '{')
		sg_buf_putc(out, '\n');
	sg_buf_puts(out, sg_buf_text(&steps));
}

/* The declarations go outside of the loop. */
void
sg_fn_print_body(sg_fn *f, sg_buf *arrays, sg_buf *steps)
{
	sg_find_leaving(f);
	name_everything(f);
	f->b = steps;
	print_steps(f);
	f->b = arrays;
	f->indent--;
	declare_arrays(f);
	f->indent++;
}

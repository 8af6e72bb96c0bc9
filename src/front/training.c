/* training.c - the statements of a model that is to be trained: its own, but for its entries, and
 * one `gradient LOSS wrt params`. */
#include "front/elab.h"

#include <string.h>

static bool
is_entry(const sg_stmt *st)
{
	return st->kind == SG_S_OUTPUT || st->kind == SG_S_GRADIENT || st->kind == SG_S_ENTRY;
}

/* What the name stands for: the target of a binding, or an output's expression. */
typedef struct loss {
	const char *name;
	const sg_ast *value; /* NULL: nothing is called so */
	sg_span at;
} loss;

static void
look_at_binding(elab *e, const sg_stmt *st, loss *l)
{
	for (size_t k = 0; k < st->ntargets; k++) {
		sg_ast *x;

		if (st->target[k].name != l->name)
			continue;
		x = SG_NEW(e->ctx, sg_ast);
		*x = (sg_ast){.kind = SG_X_NAME, .name = l->name, .at = st->target[k].at};
		l->value = x;
		l->at = x->at;
	}
}

static const char *
item_name(const sg_item *it)
{
	return it->name ? it->name : it->value->kind == SG_X_NAME ? it->value->name : NULL;
}

/* A binding wins over an output that is called so. */
static void
find_named(elab *e, const sg_stmt *list, loss *l)
{
	for (const sg_stmt *st = list; st; st = st->next)
		if (st->kind == SG_S_BIND)
			look_at_binding(e, st, l);
	for (const sg_stmt *st = list; st && !l->value; st = st->next)
		for (size_t k = 0; is_entry(st) && k < st->nitems; k++)
			if (!l->value && item_name(&st->item[k]) == l->name) {
				l->value = st->item[k].value;
				l->at = st->item[k].value->at;
			}
}

static void
find_gradient(const sg_stmt *list, loss *l)
{
	for (const sg_stmt *st = list; st; st = st->next)
		if (st->kind == SG_S_GRADIENT) {
			l->name = item_name(&st->item[0]);
			l->value = st->item[0].value;
			l->at = l->value->at;
		}
}

/* The word for it, if the name is an input's or a param's. */
static const char *
data_kind(const sg_stmt *list, const char *name)
{
	for (const sg_stmt *st = list; st; st = st->next)
		for (size_t k = 0; k < st->nitems; k++)
			if ((st->kind == SG_S_INPUT || st->kind == SG_S_PARAM) &&
			    st->item[k].name == name)
				return st->kind == SG_S_INPUT ? "an input" : "a param";
	return NULL;
}

/* All that could have been meant. */
static void
no_such_loss(elab *e, const sg_stmt *list, const char *name)
{
	const char **names = NULL, *near, *kind = data_kind(list, name);
	size_t n = 0, cap = 0;
	sg_diag *d = sg_error(e->ctx, (sg_span){.src = NULL}, "no-loss",
	                      "the model has no value '%s' to be made small", name);

	for (const sg_stmt *st = list; st; st = st->next) {
		for (size_t k = 0; st->kind == SG_S_BIND && k < st->ntargets; k++)
			SG_PUSH(e->ctx, names, n, cap, st->target[k].name);
		for (size_t k = 0; is_entry(st) && k < st->nitems; k++)
			if (item_name(&st->item[k]))
				SG_PUSH(e->ctx, names, n, cap, item_name(&st->item[k]));
	}
	near = sg_did_you_mean(name, names, n);
	if (kind)
		sg_add_hint(e->ctx, d, "'%s' is %s; a loss is computed", name, kind);
	else if (near)
		sg_add_hint(e->ctx, d, "did you mean '%s'?", near);
}

static sg_stmt *
gradient_of(elab *e, const loss *l)
{
	sg_stmt *st = SG_NEW(e->ctx, sg_stmt);
	sg_item *it = SG_NEW(e->ctx, sg_item);

	*it = (sg_item){.name = l->name, .at = l->at, .value = (sg_ast *)(uintptr_t)l->value};
	*st = (sg_stmt){.kind = SG_S_GRADIENT,
	                .at = l->at,
	                .word_at = l->at,
	                .item = it,
	                .nitems = 1,
	                .wrt_params = true};
	return st;
}

sg_stmt *
training_statements(elab *e, sg_stmt *list)
{
	loss l = {.name = e->o->loss ? sg_intern_z(e->ctx, e->o->loss) : NULL};
	sg_stmt *first = NULL, **end = &first;

	if (l.name)
		find_named(e, list, &l);
	else
		find_gradient(list, &l);
	if (!l.value || !l.name) {
		if (e->o->loss)
			no_such_loss(e, list, l.name);
		else
			sg_add_hint(e->ctx,
			            sg_error(e->ctx, (sg_span){.src = NULL}, "no-loss",
			                     "the model has no 'gradient' that says what is to be "
			                     "made small"),
			            "name one of its values: --loss=NAME");
		return list;
	}
	for (sg_stmt *st = list; st; st = st->next)
		if (!is_entry(st)) {
			*end = sg_copy(e->ctx, st, sizeof *st);
			end = &(*end)->next;
		}
	*end = gradient_of(e, &l);
	return first;
}

/* elab.h - private to floor 3: the elaborator, which runs the program text at compile time.
 *
 * Every expression has a value at compile time: a tensor (a node of the graph), or something that the
 * graph never sees: a number not yet given a type, an extent, a string, a tuple, a function. Functions are
 * applied by evaluating their bodies on such values, so that each call is resolved for its own types,
 * ranks and shapes. A mistake is recorded and its value is POISON, which every later step passes on
 * without a word. */
#ifndef SG_FRONT_ELAB_H
#define SG_FRONT_ELAB_H

#include "front/ast.h"
#include "front/front.h"
#include "rules/rules.h"

#include <string.h>

typedef enum {
	V_POISON,
	V_ABSENT, /* an optional argument that was not given */
	V_INT,    /* compile-time integer, weak */
	V_FLOAT,  /* literal float, weak */
	V_BOOL,   /* compile-time truth value */
	V_EXT,    /* an extent that is no number; an i64 scalar where a tensor is wanted */
	V_STRING,
	V_NONE,
	V_TENSOR,
	V_TUPLE,
	V_FN,
} value_kind;

typedef struct value value;
typedef struct closure closure;
typedef struct scope scope;

struct value {
	value_kind kind;
	bool is_const; /* bound by `const`: no derivative with respect to it */
	int64_t i;     /* INT, BOOL */
	double f;      /* FLOAT */
	sg_ext ext;    /* EXT */
	const char *s; /* STRING */
	sg_ref ref;    /* TENSOR */
	value *item;   /* TUPLE; for a TENSOR that was written [a, b] of compile-time integers: these */
	size_t n;
	closure *fn;
};

typedef struct elab elab;
typedef struct call_args call_args;
typedef value builtin_fn(elab *e, call_args *a);

typedef struct builtin {
	const char *name;
	const char *params; /* "x axis? keepdims?"; a last "..." takes all further positional ones */
	builtin_fn *fn;
	int op; /* for the handlers that serve several */
} builtin;

struct closure {
	const sg_ast_fn *fn;      /* NULL: built in */
	const builtin *builtin;
	scope *env;
	uint64_t seq;             /* names bound later are not seen */
	const sg_ast_fn *rule;    /* derivative rule */
	scope *rule_env;
	uint64_t rule_seq;
	bool prelude;
};

/* grad and its like: their operands are names, not values. */
static inline bool
is_derivative_fn(const closure *f)
{
	return f->builtin && strchr(f->builtin->params, '!');
}

typedef struct binding {
	const char *name;
	value v;
	sg_span at;
	uint64_t seq;
	bool is_dim, is_input;
	bool by_use; /* a dimension that no 'dim' declared */
	struct binding *next;
} binding;

struct scope {
	scope *up;
	uint64_t limit; /* of what is seen above: bindings made before this */
	binding *first; /* few names: a list */
	size_t n;
	sg_map *map;    /* many: a map too */
};

enum { MAX_ARGS = 16 };
struct call_args {
	const builtin *b;
	const sg_ast *call;
	value v[MAX_ARGS];
	sg_span at[MAX_ARGS];
	const sg_ast *ast[MAX_ARGS];
	value *rest; /* what "..." took */
	const sg_ast **rest_ast;
	size_t nrest;
	scope *env;
};

struct elab {
	sg_ctx *ctx;
	sg_space *sp;
	sg_build *b;
	sg_program *p;
	const sg_front_options *o;
	sg_type real;
	scope *top;
	sg_ref looked, danger; /* branch.c: nodes that were looked at; the last that might need a guard */
	sg_ref hidden;         /* branch.c: those before it that may fail are hidden */
	sg_bytes_map *sheltered; /* branch.c: nodes of nothing, perhaps, under a branch on that */
	unsigned mapping; /* how many maps what is built now stands in */
	unsigned looping; /* how many loops: maps, and steps of scan and while */
	struct open_row *rows; /* of the loops that what is built now stands in, innermost first */
	const struct open_branch *branch; /* of a run-time 'if' that is built now, the innermost */
	scope *prelude;
	sg_map *wrt;       /* names at the top that some derivative is taken with respect to */
	sg_map *wrt_sites; /* other places where such names are bound */
	sg_map *unknown;   /* names that were reported as unknown */
	struct unknown *first_unknown;
	const char *blank; /* "_" */
	sg_bytes_map *memo; /* calls with equal arguments */
	uint64_t seq;
	int64_t binds;     /* identities given so far: BIND and SEED */
	int depth;         /* of calls */
	int calls;         /* so far */
	int64_t items;     /* of comprehensions, so far */
	struct frame *frame;
	sg_span user_at;   /* the place in the user's text that is being built */
	size_t cap_inputs, cap_entries, cap_demands;
	bool free_names_are_inputs; /* eval, diff -e */
	bool torn; /* statements with syntax errors are missing: what is unknown is theirs */
	const sg_source *prelude_src;
	struct prelude_index *prelude_index;
	struct include_chain *including;
	sg_map *included;      /* paths of the files that were */
	const char *last_bound; /* by a statement of the user's, or NULL */
	sg_bytes_map *patterns; /* of sparse derivatives, by node */
	sg_bytes_map *entries;  /* by name: where it stands */
	uint8_t *tainted;  /* per node: 1 depends on an input, 2 does not; 0 not known yet */
	size_t ntainted, tainted_cap;
	uint32_t *walked, walks; /* call.c, per node: the last walk that came by; how many there were */
	size_t walked_cap;
};

/* `row` stands for one row of xs. */
typedef struct open_row {
	sg_ref row, xs;
	struct open_row *up;
} open_row;

/* `first`: where the outermost begins. `calls`: results of calls before that many may fail, and are
 * not taken from outside. */
typedef struct open_branch {
	sg_ref first;
	int calls;
	const struct open_branch *up;
} open_branch;

/* A call that is being evaluated, for notes. */
typedef struct frame {
	const char *name;
	sg_span at;
	bool prelude;
	struct frame *up;
} frame;

/* ---- diag.c-like helpers (value.c) ---- */
sg_diag *elab_error(elab *e, sg_span at, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
sg_diag *elab_warning(elab *e, sg_span at, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
#define POISON ((value){.kind = V_POISON})

/* ---- values (value.c) ---- */
value v_int(int64_t i);
value v_float(double f);
value v_bool(bool b);
value v_string(const char *s);
value v_tensor(sg_ref r);
value v_ext(elab *e, sg_ext x); /* INT where it is a number */
value v_tuple(elab *e, size_t n, const value *item);
static inline bool v_is_number(value v) { return v.kind == V_INT || v.kind == V_FLOAT || v.kind == V_BOOL; }
const char *v_describe(elab *e, value v); /* "[N, 10]", "a tuple of 2", "the string \"x\"", "'f', a function" */
const char *shape_words(elab *e, const sg_shape *s); /* "[N, 10]", "a scalar" */
/* The value as a node of type t, or of its own type (weak: i64, real; bool) when t is -1. 0 after an error. */
sg_ref to_tensor(elab *e, value v, int t, sg_span at);
/* An extent as a number. A quotient by what may be 0 is one of the graph, which fails where it is needed
 * and nowhere else. */
sg_ref extent_value(elab *e, sg_ext x);
/* The type that operands share in arithmetic. False after an error (a non-number). */
bool common_type(elab *e, const value *v, size_t n, const sg_span *at, sg_type *t);
/* As an extent: INT, EXT. False: not one (no error). */
bool as_ext(elab *e, value v, sg_ext *x);
/* A compile-time integer; with an error naming `what` when it is none. */
bool need_int(elab *e, value v, sg_span at, const char *what, int64_t *i);
bool need_ext(elab *e, value v, sg_span at, const char *what, sg_ext *x);
bool need_string(elab *e, value v, sg_span at, const char *what, const char **s);
bool need_bool(elab *e, value v, sg_span at, const char *what, bool *x);
/* A list of extents: [a, b], (a, b), a. */
bool need_shape(elab *e, value v, sg_span at, const char *what, uint32_t *rank, sg_ext *ext);
/* The broadcast of two shapes, or NULL (no error). */
const sg_shape *broadcast_shapes(elab *e, const sg_shape *a, const sg_shape *b);
/* n operands brought to one shape (NULL after an error). */
const sg_shape *broadcast_all(elab *e, sg_ref *r, size_t n, sg_span at, const char *what);
/* The hint for two extents (the first pair of two shapes) that differ only in name. */
bool hint_equal(elab *e, sg_diag *d, sg_ext x, sg_ext y);
void hint_equal_shapes(elab *e, sg_diag *d, const sg_shape *a, const sg_shape *b);
void demand_nonneg(elab *e, sg_ext x, sg_span at);
bool tainted(elab *e, sg_ref r); /* depends on an input */

/* ---- names (scope.c) ---- */
scope *scope_new(elab *e, scope *up, uint64_t limit);
binding *scope_find(elab *e, scope *s, const char *name);      /* here or above */
binding *scope_find_here(scope *s, const char *name);
binding *scope_bind(elab *e, scope *s, const char *name, value v, sg_span at); /* error if bound here */
/* v, made a binding of its own where a derivative is taken with respect to the name. */
value fresh_binding(elab *e, const scope *s, const char *name, value v, sg_span at);
const char *suggest_name(elab *e, scope *s, const char *name);
void rebound(elab *e, const char *name, sg_span at, const binding *old); /* the error */
/* A type is its own name where nothing else is bound to that: cast(x, f32). */
bool is_type_name(const char *s);
/* A dimension of that name, new or old, for a shape. */
/* What the options give fixed dimension k; POISON where that is no size, which is told at the end. */
value fixed_value(const elab *e, size_t k);
bool declare_dims(elab *e, const sg_ast *x);

/* ---- the prelude (prelude_defs.c) ---- */
typedef struct prelude_index prelude_index;
void prelude_open(elab *e);
void prelude_read(elab *e, const char *name); /* binds it, if it is a function of the prelude */
void prelude_read_all(elab *e);

/* ---- names, as the text alone tells (names.c) ---- */
/* Finds the names that derivatives are taken with respect to. */
void collect_wrt(elab *e, const sg_stmt *list);
void collect_wrt_expr(elab *e, const sg_ast *x);
/* Is one of them bound at this place, in scope s? */
bool is_marked(elab *e, const scope *s, const char *name, sg_span at);
void check_names(elab *e, const sg_stmt *st); /* of a statement at the top, before it runs */
void unknown_name(elab *e, scope *s, const sg_ast *x);
/* The name is bound here: should it have been reported as unknown, that is worth a note. */
void note_later_binding(elab *e, const char *name, sg_span at);
void settle_unknown_names(elab *e); /* notes and hints of the reports, at the end */

/* ---- training (training.c) ---- */
/* The statements of a model that is to be trained: a copy of the list with one entry, the gradient
 * of the loss. The list itself after an error, so that what else is wrong is told too. */
sg_stmt *training_statements(elab *e, sg_stmt *list);

/* ---- expressions (expr.c, operator.c, index.c, call.c) ---- */
value eval(elab *e, scope *s, const sg_ast *x);
value eval_unary(elab *e, scope *s, const sg_ast *x);
value eval_binary(elab *e, scope *s, const sg_ast *x);
value eval_name(elab *e, scope *s, const sg_ast *x);
value eval_index(elab *e, scope *s, const sg_ast *x);
/* A branch of an 'if', built from node `start` on: what can fail in it fails only where `flag` holds. */
value guard_branch(elab *e, sg_ref flag, sg_ref start, value v);
/* The branch that what was built last is left to, and to branches within it; NULL: to all, for
 * nothing in it can fail. */
const open_branch *open_a_branch(elab *e);
const open_branch *branch_of_last(elab *e);
bool is_open(const elab *e, const open_branch *branch); /* NULL: yes */
value eval_call(elab *e, scope *s, const sg_ast *x);
value apply(elab *e, closure *f, size_t n, const value *v, const sg_ast *call);
value run_body(elab *e, scope *s, const sg_stmt *body);
/* Is the place in a text of the user, not in the prelude? */
bool in_user_text(const elab *e, sg_span at);
/* Nodes come from there from now on, if it is. */
void enter(elab *e, sg_span at);
/* at: the node, whose operands the messages speak of; names in it are of scope s. */
value binary(elab *e, scope *s, sg_ast_op op, value x, value y, const sg_ast *at);
/* As if it were written x op y at that place. */
value binary_at(elab *e, sg_ast_op op, value x, value y, sg_span at);
void hint_compare(elab *e, sg_diag *d, const sg_ast *x, value v, const char *op);
/* sg_ew2 with promotion and broadcasting; floats only when is_float. */
value ew2(elab *e, sg_op op, const value v[2], const sg_span v_at[2], sg_span at, const char *what);

/* ---- built-in functions (builtin_*.c) ---- */
const builtin *find_builtin(const char *name);
const char *const *builtin_names(size_t *n);
/* Argument k as a tensor; 0 after an error. as_float: integers become real. */
sg_ref arg_tensor(elab *e, call_args *a, int k);
sg_ref arg_float(elab *e, call_args *a, int k);
/* Argument k as a tensor of type t; an error where that would make a float an integer. */
sg_ref as_type_of(elab *e, call_args *a, int k, sg_type t);
static inline bool given(const call_args *a, int k) { return a->v[k].kind != V_ABSENT; }
/* axis argument k: mask; absent or none: all axes. False after an error. */
bool arg_axes(elab *e, call_args *a, int k, uint32_t rank, uint64_t *mask);
bool need_axis(elab *e, value v, sg_span at, uint32_t rank, uint32_t *axis);
bool arg_axis(elab *e, call_args *a, int k, uint32_t rank, int64_t deflt, uint32_t *axis);
bool arg_keepdims(elab *e, call_args *a, int k, bool *keep);
sg_ref keep_dims(elab *e, sg_ref r, const sg_shape *of, uint64_t mask);

/* ---- statements (stmt.c) ---- */
void run_statements(elab *e, scope *s, const sg_stmt *list);
value eval_derivative(elab *e, scope *s, const sg_ast *x, const builtin *b);
enum { SPARSE_JACOBIAN = 100, SPARSE_HESSIAN, SPARSE_PATTERN };
value eval_sparse(elab *e, scope *s, const sg_ast *x, const builtin *b);
/* What stands as an x of a derivative: a name, or a tuple of such. False after an error. */
bool derivative_target(elab *e, scope *s, const sg_ast *x, value *out);
value apply_custom(elab *e, closure *f, size_t n, const value *v, const sg_ast *call);

extern const char sg_prelude[]; /* prelude.sg, as text; made by the build */

#endif

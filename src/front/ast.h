/* ast.h - the syntax tree of a .sg file, as the parser hands it to the elaborator.
 *
 * Every name is interned, every node knows its span. Call arguments may be named. The tree says
 * what was written, nothing about meaning: `grad` is a call like any other. */
#ifndef SG_AST_H
#define SG_AST_H

#include "base/base.h"

typedef enum {
	SG_X_INT,    /* i */
	SG_X_FLOAT,  /* f; also inf, nan, pi */
	SG_X_STRING, /* name (text without quotes) */
	SG_X_BOOL,   /* i */
	SG_X_NONE,
	SG_X_NAME,          /* name */
	SG_X_UNARY,         /* op; kid[0] */
	SG_X_BINARY,        /* op; kid[0], kid[1]; op_at is the operator's span */
	SG_X_IF,            /* kid: condition, then, else */
	SG_X_LAMBDA,        /* fn */
	SG_X_CALL,          /* kid[0] callee, kid[1..] arguments; argname[k] for kid[k], or NULL */
	SG_X_INDEX,         /* kid[0] the tensor, index[0..nindex) */
	SG_X_T,             /* kid[0].T */
	SG_X_LIST,          /* [a, b, c] */
	SG_X_COMPREHENSION, /* [kid[0] for name in kid[1]..kid[2]]; op_at is the span of name */
	SG_X_TUPLE,         /* (a, b), (a,), () */
} sg_ast_kind;

typedef enum {
	SG_O_ADD,
	SG_O_SUB,
	SG_O_MUL,
	SG_O_DIV,
	SG_O_FLOORDIV,
	SG_O_MOD,
	SG_O_MATMUL,
	SG_O_POW,
	SG_O_LT,
	SG_O_LE,
	SG_O_GT,
	SG_O_GE,
	SG_O_EQ,
	SG_O_NE,
	SG_O_AND,
	SG_O_OR,
	SG_O_NOT,
	SG_O_NEG,
	SG_O_POS,
} sg_ast_op;

typedef struct sg_ast sg_ast;
typedef struct sg_stmt sg_stmt;

/* One place between the brackets of x[...]. */
typedef enum { SG_I_EXPR, SG_I_SLICE, SG_I_ELLIPSIS, SG_I_NEW } sg_index_kind; /* NEW: None, none */
typedef struct sg_ast_index {
	sg_index_kind kind;
	sg_ast *e;                   /* EXPR */
	sg_ast *start, *stop, *step; /* SLICE; each may be NULL */
	sg_span at;
} sg_ast_index;

typedef struct sg_ast_param {
	const char *name;
	sg_ast *deflt; /* NULL: none */
	sg_span at;
} sg_ast_param;

/* A def, a lambda, or a derivative rule. */
typedef struct sg_ast_fn {
	const char *name; /* NULL for a lambda */
	sg_ast_param *param;
	size_t nparams;
	sg_ast_param *seed; /* after ';' in a derivative rule, else none */
	size_t nseeds;
	sg_ast *expr;  /* def f(x) = expr, lambda; NULL with a body */
	sg_stmt *body; /* def f(x) { ... }: a list whose last statement is a RETURN (the parser
	                  checks) */
	sg_span at;    /* the head */
} sg_ast_fn;

struct sg_ast {
	sg_ast_kind kind;
	sg_ast_op op;
	sg_span at, op_at; /* op_at: operator, '.T', or '[' ... ']' */
	const char *name;
	union {
		int64_t i;
		double f;
	};
	sg_ast **kid;
	const char **argname; /* CALL: nkids entries */
	sg_span *argname_at;
	size_t nkids;
	sg_ast_index *index;
	size_t nindex;
	sg_ast_fn *fn;
	bool parens; /* was written in ( ) */
};

typedef enum {
	SG_S_MODEL, /* name */
	SG_S_REAL,  /* name: "f32" or "f64" (the parser checks) */
	SG_S_DIM,   /* item[k].name, value or NULL;   dim N, dim N = 128, M */
	SG_S_INPUT, /* item[k]: name, type name or NULL, shape (has_shape), value = default or NULL */
	SG_S_PARAM, /* the same */
	SG_S_CONST, /* item[0]: name, value */
	SG_S_BIND,  /* target[..] = item[0].value */
	SG_S_DEF,   /* fn */
	SG_S_DERIVATIVE, /* fn; fn->name is the def that it belongs to */
	SG_S_OUTPUT,     /* item[k]: value, as-name or NULL in .name */
	SG_S_GRADIENT,   /* item[0]: value, as-name or NULL; wrt[..]; wrt_params: `wrt params` */
	SG_S_ENTRY,      /* name; item[k] as in OUTPUT */
	SG_S_INCLUDE,    /* name: the path */
	SG_S_RETURN,     /* item[k].value */
} sg_stmt_kind;

typedef struct sg_item {
	const char *name;
	sg_span at;       /* of the name, or of the whole item */
	const char *type; /* "f32"... as written; NULL */
	sg_span type_at;
	sg_span as_at; /* OUTPUT, ENTRY, GRADIENT: of the name behind `as`; src NULL: none */
	sg_ast **shape;
	size_t rank;
	bool has_shape;
	sg_span shape_at;
	sg_ast *value;
} sg_item;

struct sg_stmt {
	sg_stmt_kind kind;
	sg_span at;      /* the statement */
	sg_span word_at; /* its first word */
	const char *name;
	sg_span name_at;
	sg_item *item;
	size_t nitems;
	sg_ast_param *target; /* BIND: names to the left of '=' */
	size_t ntargets;
	bool unpacks; /* BIND: more than one target, or `a, = e` */
	sg_ast_param *wrt;
	size_t nwrt;
	bool wrt_params;
	sg_ast_fn *fn;
	sg_stmt *next;
};

/* The statements of a source; errors are recorded and parsing resumes at the next statement, so all
 * errors of a file are found in one go. Statements with an error are left out, so that what follows
 * may miss their names: elaborate only what parsed without an error. Always returns a list (maybe
 * empty, NULL). Runs under sg_protect, as all recursion here does.
 *
 * A statement word (model, input, ...) that begins a statement is that statement, unless '=' or ','
 * follows: `input = 3` binds a name. Duplicate names and arguments, types, and outputs that need
 * `as` are the elaborator's to judge. */
sg_stmt *sg_parse(sg_ctx *ctx, const sg_source *src);
/* The statements in the bytes [lo, hi) of it. */
sg_stmt *sg_parse_part(sg_ctx *ctx, const sg_source *src, size_t lo, size_t hi);
/* One expression, all of the text (for eval and diff -e). NULL after an error. */
sg_ast *sg_parse_expr(sg_ctx *ctx, const sg_source *src);
/* Is this word never usable as a name? */
bool sg_is_reserved(const char *s, size_t n);

#endif

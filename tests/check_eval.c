/* check_eval.c - the reference evaluator: each op's value on small arrays worked out by hand. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"
#include "symgrad_runtime.h"
#include "tensor_element.h"

/* An array as a test writes it. */
typedef struct arr {
	sg_type type;
	uint32_t rank;
	int64_t ext[4];
	double v[24];
} arr;

typedef struct example {
	const char *what;
	sg_op op;
	uint32_t nattr;
	int64_t attr[12]; /* for SLICE, PAD and WINDOW plain numbers, made extents below */
	uint32_t nargs;
	arr arg[3];
	int status;
	arr out; /* where status is not 0: type and shape alone */
} example;

#define F SG_F64
#define NANS NAN
#define INF INFINITY

static const example examples[] = {
    {"transpose",
     SG_TRANSPOSE,
     2,
     {1, 0},
     1,
     {{F, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}},
     0,
     {F, 2, {3, 2}, {1, 4, 2, 5, 3, 6}}},
    {"transpose of rank 3",
     SG_TRANSPOSE,
     3,
     {2, 0, 1},
     1,
     {{F, 3, {1, 2, 3}, {1, 2, 3, 4, 5, 6}}},
     0,
     {F, 3, {3, 1, 2}, {1, 4, 2, 5, 3, 6}}},
    {"reshape",
     SG_RESHAPE,
     0,
     {0},
     1,
     {{F, 1, {4}, {1, 2, 3, 4}}},
     0,
     {F, 2, {2, 2}, {1, 2, 3, 4}}},
    {"reshape to another size",
     SG_RESHAPE,
     0,
     {0},
     1,
     {{F, 1, {4}, {1, 2, 3, 4}}},
     SGRT_EDIM,
     {F, 1, {3}, {0}}},
    {"broadcast of a scalar",
     SG_BROADCAST,
     0,
     {0},
     1,
     {{F, 0, {0}, {7}}},
     0,
     {F, 1, {3}, {7, 7, 7}}},
    {"broadcast of a column",
     SG_BROADCAST,
     2,
     {0, 1},
     1,
     {{F, 2, {2, 1}, {1, 2}}},
     0,
     {F, 2, {2, 3}, {1, 1, 1, 2, 2, 2}}},
    {"broadcast along the first axis",
     SG_BROADCAST,
     1,
     {0},
     1,
     {{F, 1, {2}, {1, 2}}},
     0,
     {F, 2, {2, 2}, {1, 1, 2, 2}}},
    {"broadcast that does not fit",
     SG_BROADCAST,
     1,
     {0},
     1,
     {{F, 1, {2}, {1, 2}}},
     SGRT_EDIM,
     {F, 1, {3}, {0}}},
    {"slice", SG_SLICE, 2, {1, 2}, 1, {{F, 1, {6}, {0, 1, 2, 3, 4, 5}}}, 0, {F, 1, {3}, {1, 3, 5}}},
    {"slice backwards",
     SG_SLICE,
     2,
     {2, -1},
     1,
     {{F, 1, {3}, {1, 2, 3}}},
     0,
     {F, 1, {3}, {3, 2, 1}}},
    {"slice of nothing", SG_SLICE, 2, {3, 1}, 1, {{F, 1, {3}, {1, 2, 3}}}, 0, {F, 1, {0}, {0}}},
    {"slice past the end",
     SG_SLICE,
     2,
     {2, 1},
     1,
     {{F, 1, {3}, {1, 2, 3}}},
     SGRT_EDIM,
     {F, 1, {2}, {0}}},
    {"slice of a matrix",
     SG_SLICE,
     4,
     {0, 1, 1, 1},
     1,
     {{F, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}},
     0,
     {F, 2, {2, 2}, {2, 3, 5, 6}}},
    {"pad", SG_PAD, 2, {1, 2}, 1, {{F, 1, {2}, {8, 9}}}, 0, {F, 1, {5}, {0, 8, 0, 9, 0}}},
    {"pad backwards", SG_PAD, 2, {1, -1}, 1, {{F, 1, {2}, {8, 9}}}, 0, {F, 1, {2}, {9, 8}}},
    {"window",
     SG_WINDOW,
     4,
     {0, 0, 2, 1},
     1,
     {{F, 1, {5}, {0, 1, 2, 3, 4}}},
     0,
     {F, 2, {3, 2}, {0, 2, 1, 3, 2, 4}}},
    {"window in front, dilated",
     SG_WINDOW,
     4,
     {1, 0, 1, 2},
     1,
     {{F, 2, {2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}}},
     0,
     {F, 3, {2, 2, 2}, {1, 2, 5, 6, 3, 4, 7, 8}}},
    {"window past the end",
     SG_WINDOW,
     4,
     {0, 0, 2, 1},
     1,
     {{F, 1, {4}, {0, 1, 2, 3}}},
     SGRT_EDIM,
     {F, 2, {3, 2}, {0}}},
    {"unwindow",
     SG_UNWINDOW,
     4,
     {0, 0, 1, 1},
     1,
     {{F, 2, {2, 2}, {1, 2, 3, 4}}},
     0,
     {F, 1, {4}, {1, 5, 4, 0}}},
    {"last writer",
     SG_WRITER,
     0,
     {0},
     1,
     {{SG_I32, 2, {2, 3}, {0, 2, -1, 1, 1, 0}}},
     0,
     {SG_I64, 2, {2, 3}, {0, -1, 2, 2, 1, -1}}},
    {"last writer out of range",
     SG_WRITER,
     0,
     {0},
     1,
     {{SG_I64, 1, {1}, {3}}},
     SGRT_EINDEX,
     {SG_I64, 1, {3}, {0}}},
    {"concat",
     SG_CONCAT,
     1,
     {1},
     2,
     {{F, 2, {2, 1}, {1, 2}}, {F, 2, {2, 2}, {3, 4, 5, 6}}},
     0,
     {F, 2, {2, 3}, {1, 3, 4, 2, 5, 6}}},
    {"gather of rows",
     SG_GATHER,
     2,
     {0, 0},
     2,
     {{F, 2, {3, 2}, {1, 2, 3, 4, 5, 6}}, {SG_I64, 1, {3}, {2, 0, -1}}},
     0,
     {F, 2, {3, 2}, {5, 6, 1, 2, 5, 6}}},
    {"gather with a batch axis",
     SG_GATHER,
     2,
     {1, 1},
     2,
     {{F, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}, {SG_I32, 1, {2}, {2, 0}}},
     0,
     {F, 1, {2}, {3, 4}}},
    {"gather out of range",
     SG_GATHER,
     2,
     {0, 0},
     2,
     {{F, 1, {3}, {1, 2, 3}}, {SG_I64, 0, {0}, {3}}},
     SGRT_EINDEX,
     {F, 0, {0}, {0}}},
    {"scatter adds",
     SG_SCATTER,
     2,
     {0, 0},
     2,
     {{SG_I64, 1, {3}, {1, -1, 1}}, {F, 1, {3}, {10, 20, 30}}},
     0,
     {F, 1, {3}, {0, 40, 20}}},
    {"scatter out of range",
     SG_SCATTER,
     2,
     {0, 0},
     2,
     {{SG_I64, 1, {1}, {-4}}, {F, 1, {1}, {10}}},
     SGRT_EINDEX,
     {F, 1, {3}, {0}}},
    {"sum of all", SG_SUM, 1, {3}, 1, {{F, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}}, 0, {F, 0, {0}, {21}}},
    {"sum along axis 0",
     SG_SUM,
     1,
     {1},
     1,
     {{F, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}},
     0,
     {F, 1, {3}, {5, 7, 9}}},
    {"sum of nothing", SG_SUM, 1, {1}, 1, {{F, 1, {0}, {0}}}, 0, {F, 0, {0}, {0}}},
    {"product of nothing", SG_PROD, 1, {1}, 1, {{F, 1, {0}, {0}}}, 0, {F, 0, {0}, {1}}},
    {"product of f32 overflows",
     SG_PROD,
     1,
     {1},
     1,
     {{SG_F32, 1, {3}, {1e30, 1e30, 1e-30}}},
     0,
     {SG_F32, 0, {0}, {INF}}},
    {"NaN wins in max", SG_AMAX, 1, {1}, 1, {{F, 1, {3}, {1, NANS, 2}}}, 0, {F, 0, {0}, {NANS}}},
    {"min along axis 1",
     SG_AMIN,
     1,
     {2},
     1,
     {{F, 2, {2, 2}, {4, 3, 1, 2}}},
     0,
     {F, 1, {2}, {3, 1}}},
    {"max of nothing", SG_AMAX, 1, {1}, 1, {{F, 1, {0}, {0}}}, SGRT_EEMPTY, {F, 0, {0}, {0}}},
    {"no maxima of nothing", SG_AMAX, 1, {1}, 1, {{F, 2, {0, 0}, {0}}}, 0, {F, 1, {0}, {0}}},
    {"any of nothing", SG_ANY, 1, {1}, 1, {{SG_BOOL, 1, {0}, {0}}}, 0, {SG_BOOL, 0, {0}, {0}}},
    {"all of nothing", SG_ALL, 1, {1}, 1, {{SG_BOOL, 1, {0}, {0}}}, 0, {SG_BOOL, 0, {0}, {1}}},
    {"any", SG_ANY, 1, {1}, 1, {{SG_BOOL, 1, {2}, {0, 1}}}, 0, {SG_BOOL, 0, {0}, {1}}},
    {"all", SG_ALL, 1, {1}, 1, {{SG_BOOL, 1, {2}, {0, 1}}}, 0, {SG_BOOL, 0, {0}, {0}}},
    {"integer sums wrap",
     SG_SUM,
     1,
     {1},
     1,
     {{SG_I32, 1, {2}, {2147483647, 1}}},
     0,
     {SG_I32, 0, {0}, {-2147483648.0}}},
    {"argmax, first of ties",
     SG_ARGMAX,
     1,
     {1},
     1,
     {{F, 2, {2, 3}, {1, 5, 5, 2, 1, 0}}},
     0,
     {SG_I64, 1, {2}, {1, 0}}},
    {"argmin finds NaN",
     SG_ARGMIN,
     1,
     {0},
     1,
     {{F, 1, {3}, {1, NANS, 0}}},
     0,
     {SG_I64, 0, {0}, {1}}},
    {"argmax of nothing",
     SG_ARGMAX,
     1,
     {0},
     1,
     {{F, 1, {0}, {0}}},
     SGRT_EEMPTY,
     {SG_I64, 0, {0}, {0}}},
    {"cumsum",
     SG_CUMSUM,
     0,
     {0},
     1,
     {{F, 2, {2, 2}, {1, 2, 3, 4}}},
     0,
     {F, 2, {2, 2}, {1, 3, 3, 7}}},
    {"linrec",
     SG_LINREC,
     0,
     {0},
     2,
     {{F, 1, {3}, {9, 2, 3}}, {F, 1, {3}, {1, 10, 100}}},
     0,
     {F, 1, {3}, {1, 12, 136}}},
    {"integer products wrap",
     SG_LINREC,
     0,
     {0},
     2,
     {{SG_I32, 1, {3}, {0, 65536, 65536}}, {SG_I32, 1, {3}, {65537, 0, 0}}},
     0,
     {SG_I32, 1, {3}, {65537, 65536, 0}}},
    {"matrix product",
     SG_CONTRACT,
     9,
     {2, 2, 2, 0, 1, 1, 2, 0, 2},
     2,
     {{F, 2, {2, 2}, {1, 2, 3, 4}}, {F, 2, {2, 2}, {5, 6, 7, 8}}},
     0,
     {F, 2, {2, 2}, {19, 22, 43, 50}}},
    {"factors",
     SG_LU,
     0,
     {0},
     1,
     {{F, 2, {2, 2}, {1, 2, 4, 6}}},
     0,
     {F, 2, {2, 3}, {4, 6, 1, 0.25, 0.5, 1}}},
    {"factors of a singular matrix",
     SG_LU,
     0,
     {0},
     1,
     {{F, 2, {2, 2}, {1, 2, 2, 4}}},
     SGRT_ESINGULAR,
     {F, 2, {2, 3}, {0}}},
    {"solve",
     SG_LUSOLVE,
     1,
     {0},
     3,
     {{F, 2, {2, 2}, {1, 2, 4, 6}},
      {F, 2, {2, 3}, {4, 6, 1, 0.25, 0.5, 1}},
      {F, 2, {2, 1}, {3, 10}}},
     0,
     {F, 2, {2, 1}, {1, 1}}},
    {"solve transposed",
     SG_LUSOLVE,
     1,
     {1},
     3,
     {{F, 2, {2, 2}, {1, 2, 4, 6}},
      {F, 2, {2, 3}, {4, 6, 1, 0.25, 0.5, 1}},
      {F, 2, {2, 1}, {5, 8}}},
     0,
     {F, 2, {2, 1}, {1, 1}}},
    {"det",
     SG_DET,
     0,
     {0},
     2,
     {{F, 2, {2, 2}, {1, 2, 4, 6}}, {F, 2, {2, 3}, {4, 6, 1, 0.25, 0.5, 1}}},
     0,
     {F, 0, {0}, {-2}}},
    {"logdet below 0",
     SG_LOGDET,
     0,
     {0},
     2,
     {{F, 2, {2, 2}, {1, 2, 4, 6}}, {F, 2, {2, 3}, {4, 6, 1, 0.25, 0.5, 1}}},
     0,
     {F, 0, {0}, {NANS}}},
    {"cholesky",
     SG_CHOLESKY,
     0,
     {0},
     1,
     {{F, 2, {2, 2}, {4, NANS, 2, 5}}},
     0,
     {F, 2, {2, 2}, {2, 0, 1, 2}}},
    {"cholesky of an indefinite matrix",
     SG_CHOLESKY,
     0,
     {0},
     1,
     {{F, 2, {2, 2}, {1, 2, 2, 4}}},
     SGRT_EPOSDEF,
     {F, 2, {2, 2}, {0}}},
    /* by hand: sym(h(L' G)) = [[1.5, 1], [1, 4]] with G = [[1, 0], [1, 4]], between [[2, 0], [1,
       2]] */
    {"adjoint of cholesky",
     SG_CHOLBACK,
     0,
     {0},
     2,
     {{F, 2, {2, 2}, {2, NANS, 1, 2}}, {F, 2, {2, 2}, {1, NANS, 1, 4}}},
     0,
     {F, 2, {2, 2}, {0.375, -0.25, -0.25, 1}}},
    {"upper triangle, transposed",
     SG_TRISOLVE,
     2,
     {0, 1},
     2,
     {{F, 2, {2, 2}, {2, 1, NANS, 4}}, {F, 2, {2, 1}, {4, 6}}},
     0,
     {F, 2, {2, 1}, {2, 1}}},
    {"a triangle with 0 on its diagonal",
     SG_TRISOLVE,
     2,
     {1, 0},
     2,
     {{F, 2, {2, 2}, {2, 1, 1, 0}}, {F, 2, {2, 1}, {4, 6}}},
     SGRT_ESINGULAR,
     {F, 2, {2, 1}, {0}}},
    {"outer product, integers",
     SG_CONTRACT,
     7,
     {1, 1, 2, 5, 7, 5, 7},
     2,
     {{SG_I64, 1, {2}, {1, 2}}, {SG_I64, 1, {2}, {3, 4}}},
     0,
     {SG_I64, 2, {2, 2}, {3, 4, 6, 8}}},
    {"dot product of nothing",
     SG_CONTRACT,
     5,
     {1, 1, 0, 0, 0},
     2,
     {{F, 1, {0}, {0}}, {F, 1, {0}, {0}}},
     0,
     {F, 0, {0}, {0}}},
    {"inner extents that differ",
     SG_CONTRACT,
     5,
     {1, 1, 0, 0, 0},
     2,
     {{F, 1, {1}, {0}}, {F, 1, {2}, {0}}},
     SGRT_EDIM,
     {F, 0, {0}, {0}}},
    {"softmax",
     SG_SOFTMAX,
     0,
     {0},
     1,
     {{F, 2, {2, 2}, {1000, 1000, 0, -INF}}},
     0,
     {F, 2, {2, 2}, {0.5, 0.5, 1, 0}}},
    {"softmax of -inf",
     SG_SOFTMAX,
     0,
     {0},
     1,
     {{F, 1, {2}, {-INF, -INF}}},
     0,
     {F, 1, {2}, {NANS, NANS}}},
    {"log_softmax", SG_LOG_SOFTMAX, 0, {0}, 1, {{F, 1, {2}, {-800, 0}}}, 0, {F, 1, {2}, {-800, 0}}},
    {"logsumexp",
     SG_LOGSUMEXP,
     0,
     {0},
     1,
     {{F, 2, {3, 1}, {1000, -INF, INF}}},
     0,
     {F, 1, {3}, {1000, -INF, INF}}},
    {"logsumexp beside a large number", /* mpmath: log1p(3 exp(-20)) */
     SG_LOGSUMEXP,
     0,
     {0},
     1,
     {{F, 2, {1, 4}, {-20, 0, -20, -20}}},
     0,
     {F, 1, {1}, {6.18346084819807941e-9}}},
    {"norm without overflow",
     SG_NORM,
     0,
     {0},
     1,
     {{F, 2, {3, 2}, {3e300, 4e300, 0, 0, 3e-300, 4e-300}}},
     0,
     {F, 1, {3}, {5e300, 0, 5e-300}}},
    {"norm of NaN", SG_NORM, 0, {0}, 1, {{F, 1, {2}, {INF, NANS}}}, 0, {F, 0, {0}, {NANS}}},
    {"cast truncates and saturates",
     SG_CAST,
     0,
     {0},
     1,
     {{F, 1, {4}, {-1.9, 1e99, NANS, -INF}}},
     0,
     {SG_I32, 1, {4}, {-1, 2147483647, 0, -2147483648.0}}},
    {"cast of i64 saturates",
     SG_CAST,
     0,
     {0},
     1,
     {{SG_I64, 1, {2}, {3e9, -3e9}}},
     0,
     {SG_I32, 1, {2}, {2147483647, -2147483648.0}}},
    {"cast to bool",
     SG_CAST,
     0,
     {0},
     1,
     {{F, 1, {3}, {0.1, 0, NANS}}},
     0,
     {SG_BOOL, 1, {3}, {1, 0, 1}}},
    {"add of f32 rounds",
     SG_ADD,
     0,
     {0},
     2,
     {{SG_F32, 0, {0}, {16777216}}, {SG_F32, 0, {0}, {1}}},
     0,
     {SG_F32, 0, {0}, {16777216}}},
    {"integer division by zero",
     SG_FLOORDIV,
     0,
     {0},
     2,
     {{SG_I64, 1, {2}, {1, 1}}, {SG_I64, 1, {2}, {2, 0}}},
     SGRT_EDIVIDE,
     {SG_I64, 1, {2}, {0}}},
    {"floor division",
     SG_FLOORDIV,
     0,
     {0},
     2,
     {{SG_I32, 1, {2}, {-7, 7}}, {SG_I32, 1, {2}, {2, -2}}},
     0,
     {SG_I32, 1, {2}, {-4, -4}}},
    {"mod has the sign of the divisor",
     SG_MOD,
     0,
     {0},
     2,
     {{F, 1, {2}, {-7, 7}}, {F, 1, {2}, {3, -3}}},
     0,
     {F, 1, {2}, {2, -2}}},
    {"comparison",
     SG_LT,
     0,
     {0},
     2,
     {{F, 1, {3}, {1, 2, NANS}}, {F, 1, {3}, {2, 2, 2}}},
     0,
     {SG_BOOL, 1, {3}, {1, 0, 0}}},
    {"isinf of f32",
     SG_ISINF,
     0,
     {0},
     1,
     {{SG_F32, 1, {3}, {INF, 3e38, NANS}}},
     0,
     {SG_BOOL, 1, {3}, {1, 0, 0}}},
    {"isfinite of f32",
     SG_ISFINITE,
     0,
     {0},
     1,
     {{SG_F32, 1, {3}, {-INF, 3e38, NANS}}},
     0,
     {SG_BOOL, 1, {3}, {0, 1, 0}}},
    {"where",
     SG_SELECT,
     0,
     {0},
     3,
     {{SG_BOOL, 1, {2}, {1, 0}}, {F, 1, {2}, {1, NANS}}, {F, 1, {2}, {INF, 2}}},
     0,
     {F, 1, {2}, {1, 2}}},
    {"where on integers",
     SG_SELECT,
     0,
     {0},
     3,
     {{SG_BOOL, 1, {2}, {1, 0}}, {SG_I32, 1, {2}, {1, 2}}, {SG_I32, 1, {2}, {3, 4}}},
     0,
     {SG_I32, 1, {2}, {1, 4}}},
    {"and",
     SG_AND,
     0,
     {0},
     2,
     {{SG_BOOL, 1, {2}, {1, 1}}, {SG_BOOL, 1, {2}, {1, 0}}},
     0,
     {SG_BOOL, 1, {2}, {1, 0}}},
    {"not", SG_NOT, 0, {0}, 1, {{SG_BOOL, 1, {2}, {1, 0}}}, 0, {SG_BOOL, 1, {2}, {0, 1}}},
    {"bools compare",
     SG_EQ,
     0,
     {0},
     2,
     {{SG_BOOL, 1, {2}, {1, 1}}, {SG_BOOL, 1, {2}, {1, 0}}},
     0,
     {SG_BOOL, 1, {2}, {1, 0}}},
    {"NaN wins in maximum",
     SG_MAX,
     0,
     {0},
     2,
     {{F, 1, {2}, {NANS, 1}}, {F, 1, {2}, {1, NANS}}},
     0,
     {F, 1, {2}, {NANS, NANS}}},
    {"clamp",
     SG_CLAMP,
     0,
     {0},
     3,
     {{F, 1, {3}, {-9, 0.5, 9}}, {F, 1, {3}, {0, 0, 0}}, {F, 1, {3}, {1, 1, 1}}},
     0,
     {F, 1, {3}, {0, 0.5, 1}}},
    {"a count that is not zero",
     SG_NONEMPTY,
     0,
     {0},
     1,
     {{SG_I64, 0, {0}, {0}}},
     SGRT_EEMPTY,
     {SG_I64, 0, {0}, {0}}},
};

typedef struct bench {
	sg_ctx *ctx;
	sg_space *sp;
	sg_graph *g;
} bench;

static const sg_shape *
shape_of(bench *b, const arr *a)
{
	sg_ext e[4];

	for (uint32_t k = 0; k < a->rank; k++)
		e[k] = sg_ext_int(b->sp, a->ext[k]);
	return sg_shape_make(b->sp, a->rank, e);
}

static sg_tensor *
tensor_of(bench *b, const arr *a)
{
	sg_tensor *t = SG_NEW(b->ctx, sg_tensor);

	t->type = a->type;
	t->rank = a->rank;
	t->count = 1;
	for (uint32_t k = 0; k < a->rank; k++)
		t->count *= t->ext[k] = a->ext[k];
	t->data = sg_alloc_array(b->ctx, (size_t)t->count, sg_type_size(t->type));
	for (int64_t i = 0; i < t->count; i++)
		set(t, i, a->v[i]);
	return t;
}

static const sg_attr *
attr_of(bench *b, const example *x)
{
	int64_t w[12];

	for (uint32_t k = 0; k < x->nattr; k++)
		w[k] = sg_op_attr_is_ext((uint16_t)x->op) ? (int64_t)sg_ext_int(b->sp, x->attr[k])
		                                          : x->attr[k];
	return x->nattr || !sg_is_ew((uint16_t)x->op) ? sg_attr_make(b->sp, x->nattr, w) : NULL;
}

static bool
agree(double a, double b)
{
	return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-14 * fabs(b) ||
	       (isinf(a) && isinf(b) && (a > 0) == (b > 0));
}

static void
try_example(bench *b, const example *x)
{
	sg_ref ref[3];
	const sg_tensor *args[3];
	sg_tensor out = {0};
	int64_t none = 0;
	int status;

	for (uint32_t k = 0; k < x->nargs; k++) {
		int64_t index = k;

		ref[k] = sg_node_make(b->g, SG_INPUT, x->arg[k].type, shape_of(b, &x->arg[k]), 0,
		                      NULL, sg_attr_make(b->sp, 1, &index));
		args[k] = tensor_of(b, &x->arg[k]);
	}
	out.data = tensor_of(b, &x->out)->data;
	status = sg_eval_node(b->ctx, b->g,
	                      sg_node_make(b->g, (uint16_t)x->op, x->out.type, shape_of(b, &x->out),
	                                   x->nargs, ref, attr_of(b, x)),
	                      &none, args, &out);
	ck_assert_msg(status == x->status, "%s: status %d", x->what, status);
	if (status)
		return;
	for (int64_t i = 0; i < out.count; i++)
		ck_assert_msg(agree(get(&out, i), x->out.v[i]),
		              "%s: element %d is %.17g, not %.17g", x->what, (int)i, get(&out, i),
		              x->out.v[i]);
}

static void
on_bench(void (*f)(void *))
{
	bench b = {.ctx = sg_ctx_new()};

	ck_assert_msg(sg_protect(b.ctx, f, &b) == SG_FAULT_NONE, "%s", sg_fault_text(b.ctx));
	sg_ctx_free(b.ctx);
}

static void
set_up(bench *b)
{
	b->sp = sg_space_new(b->ctx);
	b->g = sg_graph_new(b->sp);
}

static void
run_example(void *arg)
{
	bench *b = arg;

	set_up(b);
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		try_example(b, &examples[i]);
}

START_TEST(ops_have_the_values_worked_out_by_hand)
	{
		on_bench(run_example);
	}
END_TEST

/* ---- what depends on dimensions ---- */

static void
negative_extent(void *arg)
{
	bench *b = arg;
	int64_t dims[1] = {3};
	sg_tensor t;
	sg_ext e;
	sg_ref r;

	set_up(b);
	e = sg_ext_sub(b->sp, sg_ext_dim(b->sp, sg_space_add_dim(b->sp, "N", (sg_span){0})),
	               sg_ext_int(b->sp, 2));
	r = sg_node_make(b->g, SG_IOTA, SG_I64, sg_shape_make(b->sp, 1, &e), 0, NULL, NULL);
	ck_assert_int_eq(sg_tensor_shape(b->g, r, dims, &t), SGRT_OK);
	ck_assert_int_eq(t.count, 1);
	dims[0] = 1;
	ck_assert_int_eq(sg_tensor_shape(b->g, r, dims, &t), SGRT_EDIM);
}

START_TEST(a_negative_extent_is_an_error_code)
	{
		on_bench(negative_extent);
	}
END_TEST

static void
oversized(void *arg)
{
	bench *b = arg;
	sg_tensor t;
	sg_ext e[3];

	set_up(b);
	for (int k = 0; k < 3; k++)
		e[k] = sg_ext_int(b->sp, (int64_t)1 << 31);
	ck_assert_int_eq(sg_tensor_shape(b->g,
	                                 sg_node_make(b->g, SG_IOTA, SG_I64,
	                                              sg_shape_make(b->sp, 3, e), 0, NULL, NULL),
	                                 NULL, &t),
	                 SGRT_EDIM);
}

START_TEST(a_size_that_overflows_is_an_error_code)
	{
		on_bench(oversized);
	}
END_TEST

/* ---- sums ---- */

static void
long_sum(void *arg)
{
	bench *b = arg;
	enum { N = 1 << 20 };
	float *data;
	int64_t mask = 1, index = 0;
	float value;
	sg_tensor x = {.type = SG_F32, .rank = 1, .ext = {N}, .count = N}, out = {.data = &value};
	const sg_tensor *args[1] = {&x};
	sg_ext e;
	sg_ref in, sum;

	set_up(b);
	data = SG_NEW_ARRAY(b->ctx, float, N);
	for (int i = 0; i < N; i++)
		data[i] = 0.1f;
	x.data = data;
	e = sg_ext_int(b->sp, N);
	in = sg_node_make(b->g, SG_INPUT, SG_F32, sg_shape_make(b->sp, 1, &e), 0, NULL,
	                  sg_attr_make(b->sp, 1, &index));
	sum = sg_node_make(b->g, SG_SUM, SG_F32, sg_shape_scalar(b->sp), 1, &in,
	                   sg_attr_make(b->sp, 1, &mask));
	ck_assert_int_eq(sg_eval_node(b->ctx, b->g, sum, NULL, args, &out), SGRT_OK);
	ck_assert(fabsf(value - (float)N * 0.1f) <= 0.01f);
}

START_TEST(a_sum_of_a_million_floats_is_accurate)
	{
		on_bench(long_sum);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("eval");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(c, ops_have_the_values_worked_out_by_hand);
	tcase_add_test(c, a_negative_extent_is_an_error_code);
	tcase_add_test(c, a_size_that_overflows_is_an_error_code);
	tcase_add_test(c, a_sum_of_a_million_floats_is_accurate);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* table.c - ops.def as data. */
#include "rules/rules.h"

#include <string.h>

#define ODD SG_ODD
#define EVEN SG_EVEN
#define MONO SG_MONO
#define LINEAR SG_LINEAR
#define ZERO SG_ZERO
#define COMM SG_COMM
#define BOOL SG_RBOOL
#define LOGIC (SG_LOGIC | SG_RBOOL)
#define INTS SG_INTS

/* The text of a value, or NULL where the row says NA. */
#define TEXT(v) (sizeof(#v) == 3 && #v[0] == 'N' && #v[1] == 'A' ? NULL : #v)

const sg_op_info sg_ops[SG_NOPS] = {
    [SG_NOP] = {.name = "nop", .kind = SG_K_LEAF},
#define LEAF(ID, NAME) [SG_##ID] = {.name = NAME, .kind = SG_K_LEAF},
#define STRUCT(ID, NAME, FLAGS) [SG_##ID] = {.name = NAME, .kind = SG_K_STRUCT, .flags = FLAGS},
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI)                                               \
	[SG_##ID] = {NAME, SG_K_EW, 1, FLAGS, COST, TEXT(V), TEXT(I), LO, HI},
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI)                                           \
	[SG_##ID] = {NAME, SG_K_EW, 2, FLAGS, COST, TEXT(V), TEXT(I), LO, HI},
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI)                                       \
	[SG_##ID] = {NAME, SG_K_EW, 3, FLAGS, COST, TEXT(V), TEXT(I), LO, HI},
#include "rules/ops.def"
};

const char *
sg_op_name(uint16_t op)
{
	return op < SG_NOPS ? sg_ops[op].name : "?";
}

bool
sg_op_attr_is_ext(uint16_t op)
{
	return op == SG_DIM || op == SG_SLICE || op == SG_PAD || op == SG_WINDOW || op == SG_UNWINDOW;
}

int
sg_op_attr_ext_word(uint16_t op)
{
	return op == SG_SCAN ? 5 : op == SG_WHILE ? 4 : -1;
}

bool
sg_op_is_splat(uint16_t op)
{
	return op == SG_CONST;
}

bool
sg_op_attr_is_value(uint16_t op)
{
	return op == SG_CONST || op == SG_DATA;
}

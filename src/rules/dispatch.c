/* dispatch.c - the rules of an op by its number. */
#include "rules/op.h"

static sg_jvp_rule *const jvp[SG_NOPS] = {
#define STRUCT(ID, NAME, FLAGS) [SG_##ID] = jvp_##ID,
#include "rules/ops.def"
};

static sg_vjp_rule *const vjp[SG_NOPS] = {
#define STRUCT(ID, NAME, FLAGS) [SG_##ID] = vjp_##ID,
#include "rules/ops.def"
};

static sg_batch_rule *const batch[SG_NOPS] = {
#define STRUCT(ID, NAME, FLAGS) [SG_##ID] = batch_##ID,
#include "rules/ops.def"
};

sg_jvp_rule *
sg_jvp_of(uint16_t op)
{
	return jvp[op];
}

sg_vjp_rule *
sg_vjp_of(uint16_t op)
{
	return vjp[op];
}

/* An elementwise op stays the same op; its operands get one shape. */
static sg_ref
batch_elementwise(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched,
                  sg_ext size)
{
	sg_ref led[3] = {0};

	sg_led_args(b, n->nargs, args, batched, size, led);
	return sg_remake(b, n, led);
}

sg_batch_rule *
sg_batch_of(uint16_t op)
{
	return sg_is_ew(op) ? batch_elementwise : batch[op];
}

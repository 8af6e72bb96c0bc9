/* main.c - training on a microcontroller: a Cortex-M4 without an operating system, without a heap
 * and without start-up code of a library. All arrays are static, their sizes fixed by the model.
 *
 *     symgrad compile perceptron.sg --dim=N=16 --step=adam --standalone --prefix=net
 *     arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -O2 -std=gnu11 -I. -nostartfiles -T mcu.ld main.c \
 *             net.c -lm
 *     qemu-system-arm -M mps2-an386 -nographic -semihosting-config enable=on,target=native \
 *             -kernel a.out
 *
 * It speaks through semihosting, which debuggers and QEMU understand. */
#include "net.h"

enum { N = 16, FEATURES = 10, UNITS = 2, STEPS = 256 };
enum { SYS_WRITE0 = 0x04, SYS_EXIT = 0x18, STOPPED = 0x20026 };

static float x[N * FEATURES], y[N * UNITS], w[UNITS * FEATURES], m[UNITS * FEATURES],
    v[UNITS * FEATURES];
static _Alignas(64) unsigned char work[NET_GRADIENT_STEP_WORK > 0 ? NET_GRADIENT_STEP_WORK : 1];

static void
ask_host(uintptr_t what, uintptr_t with)
{
	register uintptr_t r0 __asm__("r0") = what;
	register uintptr_t r1 __asm__("r1") = with;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

/* Six digits of a number in [0, 1000). */
static void
say(int step, float loss)
{
	char text[] = "step 0000   loss 000.000000\n";
	unsigned millionths = (unsigned)(loss * 1e6f + 0.5f);

	for (int k = 8; k > 4; k--, step /= 10)
		text[k] = (char)('0' + step % 10);
	for (int k = 26; k > 16; k--)
		if (text[k] != '.') {
			text[k] = (char)('0' + millionths % 10);
			millionths /= 10;
		}
	ask_host(SYS_WRITE0, (uintptr_t)text);
}

static int
train(void)
{
	unsigned state = 1;
	float loss = 1, first = 1;
	int status = net_gradient_defaults(NULL, y, w, work);

	for (int i = 0; i < N * FEATURES; i++) {
		state = state * 1664525u + 1013904223u;
		x[i] = (float)(state >> 8) * 0x1p-24f;
	}
	for (int t = 1; status == 0 && t <= STEPS; t++) {
		status =
		    net_gradient_adam(x, y, w, &loss, m, v, t, 0.01, 0.9, 0.999, 1e-8, 0, work);
		first = t == 1 ? loss : first;
		if ((t & (t - 1)) == 0)
			say(t, loss);
	}
	return status == 0 && loss < first / 4;
}

_Noreturn static void
reset(void)
{
	ask_host(SYS_WRITE0, (uintptr_t)(train() ? "the loss went down\n" : "failed\n"));
	ask_host(SYS_EXIT, STOPPED);
	for (;;) {
	}
}

extern char stack_end;
__attribute__((section(".vectors"), used)) static void (*const vectors[2])(void) = {
    (void (*)(void)) & stack_end, reset};

/* load_tcc.c - C text -> machine code in this process, by libtcc.
 *
 * The text includes nothing and links to nothing: what it calls are the runtime's functions and
 * those of libm, given by address. Without libtcc (configure --without-tcc) every load fails and
 * says so. */
#include "back/load.h"

#ifdef SG_HAVE_TCC

#include <libtcc.h>

#include "symbols.h"

bool
sg_have_tcc(void)
{
	return true;
}

static void
on_message(void *arg, const char *message)
{
	sg_say(arg, message);
	sg_say(arg, "\n");
}

static void
close_tcc(void *state)
{
	tcc_delete(state);
}

static int
relocate(TCCState *s)
{
#ifdef SG_TCC_RELOCATE_AUTO
	return tcc_relocate(s, TCC_RELOCATE_AUTO);
#else
	return tcc_relocate(s);
#endif
}

/* libtcc takes addresses of functions as const void *, as POSIX does in dlsym. */
static const void *
address_of(const sgrt_symbol *s)
{
	union {
		void (*fn)(void);
		const void *p;
	} u = {s->addr};

	return u.p;
}

static bool
compile(TCCState *s, const char *text)
{
	tcc_set_options(s, "-nostdlib -nostdinc");
	if (tcc_set_output_type(s, TCC_OUTPUT_MEMORY) < 0)
		return false;
	for (size_t i = 0; i < sgrt_nsymbols; i++)
		if (tcc_add_symbol(s, sgrt_symbols[i].name, address_of(&sgrt_symbols[i])) < 0)
			return false;
	return tcc_compile_string(s, text) >= 0 && relocate(s) >= 0;
}

static bool
look_up(TCCState *s, size_t n, const char *const *names, void **addr, char **why)
{
	for (size_t i = 0; i < n; i++) {
		addr[i] = tcc_get_symbol(s, names[i]);
		if (!addr[i]) {
			sg_say(why, "libtcc: no symbol ");
			sg_say(why, names[i]);
			return false;
		}
	}
	return true;
}

sg_code *
sg_load_tcc(const char *text, size_t n, const char *const *names, void **addr, char **why)
{
	TCCState *s = tcc_new();

	*why = NULL;
	if (!s) {
		sg_say(why, "libtcc: out of memory");
		return NULL;
	}
	tcc_set_error_func(s, why, on_message);
	if (!compile(s, text) || !look_up(s, n, names, addr, why)) {
		tcc_delete(s);
		if (!*why)
			sg_say(why, "libtcc failed and said nothing");
		return NULL;
	}
	return sg_code_new(s, close_tcc);
}

#else

bool
sg_have_tcc(void)
{
	return false;
}

sg_code *
sg_load_tcc(const char *text, size_t n, const char *const *names, void **addr, char **why)
{
	(void)text, (void)n, (void)names, (void)addr;
	*why = NULL;
	sg_say(why, "this build of symgrad has no libtcc");
	return NULL;
}

#endif

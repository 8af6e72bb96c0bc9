/* load_tcc.c - C text -> machine code in this process, by libtcc.
 *
 * The text includes nothing and links to nothing: what it calls are the runtime's functions and
 * those of libm, given by address. Without libtcc (configure --without-tcc) every load fails and
 * says so. */
#include "back/load.h"

#ifdef SG_HAVE_TCC

#include <libtcc.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

#ifdef SG_TCC_PRIVATE
#include "back/tcc/outside.h"
#else
/* The system's libtcc ends the process where memory runs out. */
typedef enum sg_tcc_outcome { SG_TCC_DONE, SG_TCC_MEMORY } sg_tcc_outcome;

static sg_tcc_outcome
sg_tcc_guard(void (*f)(void *arg), void (*clean_up)(void *arg), void *arg)
{
	f(arg);
	(void)clean_up;
	return SG_TCC_DONE;
}

static void
sg_tcc_begin(void)
{
}

static void
sg_tcc_end(void)
{
}
#endif

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
address_of(size_t symbol)
{
	union {
		void (*fn)(void);
		const void *p;
	} u = {sgrt_symbol_address(symbol, sgrt_isa)};

	return u.p;
}

static size_t
find_symbol(const char *name, size_t len)
{
	size_t lo = 0, hi = sgrt_nsymbols;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const char *at = sgrt_symbol_name(mid);
		const int order = strncmp(name, at, len);

		if (order == 0 && at[len] == '\0')
			return mid;
		if (order > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return sgrt_nsymbols;
}

static bool
in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool
add_symbol(TCCState *s, size_t at, bool *given)
{
	if (at >= sgrt_nsymbols || given[at])
		return true;
	given[at] = true;
	return tcc_add_symbol(s, sgrt_symbol_name(at), address_of(at)) >= 0;
}

/* Gives libtcc the addresses of the words of text that are symbols and called: to give it all that
 * there are takes longer than to compile a small function. The search is for the parentheses; a
 * word that comes again soon is not looked up again. */
static bool
add_words(TCCState *s, const char *text, bool *given)
{
	enum { RECENT = 64 };
	struct {
		const char *word;
		size_t len;
	} recent[RECENT] = {{NULL, 0}};

	for (const char *end = strchr(text, '('); end; end = strchr(end + 1, '(')) {
		const char *word = end;
		size_t len, slot;

		while (word > text && in_word(word[-1]))
			word--;
		len = (size_t)(end - word);
		if (len == 0)
			continue;
		slot =
		    (len * 7 + (unsigned char)word[len - 1] + (unsigned char)word[len / 2] * 31u) %
		    RECENT;
		if (recent[slot].len == len && memcmp(recent[slot].word, word, len) == 0)
			continue;
		recent[slot].word = word;
		recent[slot].len = len;
		if (!add_symbol(s, find_symbol(word, len), given))
			return false;
	}
	return true;
}

static bool
add_symbols(TCCState *s, const char *text, bool *given)
{
	/* what libtcc calls by itself, to copy and to clear, and then the text's words */
	return add_words(s, "memcpy(memmove(memset(", given) && add_words(s, text, given);
}

/* One text on its way. */
typedef struct job {
	const char *text;
	size_t n;
	const char *const *names;
	void **addr;
	char **why;
	bool *given; /* by number of the symbol: libtcc has it */
	TCCState *s;
	bool done;
} job;

static bool
compile_text(TCCState *s, const char *text)
{
	int status;

	sg_tcc_begin();
	status = tcc_compile_string(s, text);
	sg_tcc_end();
	return status >= 0;
}

static bool
compile(TCCState *s, const char *text, bool *given)
{
	tcc_set_options(s, "-nostdlib -nostdinc");
	if (tcc_set_output_type(s, TCC_OUTPUT_MEMORY) < 0)
		return false;
	return add_symbols(s, text, given) && compile_text(s, text) && relocate(s) >= 0;
}

static bool
look_up(job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		j->addr[i] = tcc_get_symbol(j->s, j->names[i]);
		if (!j->addr[i]) {
			sg_say(j->why, "libtcc: no symbol ");
			sg_say(j->why, j->names[i]);
			return false;
		}
	}
	return true;
}

static void
do_job(void *arg)
{
	job *j = arg;

	j->s = tcc_new();
	if (!j->s)
		return;
	tcc_set_error_func(j->s, j->why, on_message);
	j->done = compile(j->s, j->text, j->given) && look_up(j);
	if (!j->done && !*j->why)
		sg_say(j->why, "libtcc failed and said nothing");
}

static void
clean_up(void *arg)
{
	job *j = arg;

	if (j->s)
		tcc_delete(j->s);
	j->s = NULL;
	j->done = false;
}

/* What tcc_new has got before memory runs out in it, some KiB, is lost. */
sg_code *
sg_load_tcc(const char *text, size_t n, const char *const *names, void **addr, char **why)
{
	bool *given = calloc(sgrt_nsymbols, sizeof *given);
	job j = {text, n, names, addr, why, given, NULL, false};
	sg_tcc_outcome how;

	*why = NULL;
	how = given ? sg_tcc_guard(do_job, clean_up, &j) : SG_TCC_MEMORY;
	free(given);
	if (j.done)
		return sg_code_new(j.s, close_tcc);
	clean_up(&j);
	if (how == SG_TCC_MEMORY) {
		free(*why);
		*why = NULL;
	}
	return NULL;
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

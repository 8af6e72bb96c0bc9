/* outside.h - what our libtcc does where memory runs out: it goes back to sg_tcc_guard, and does
 * not end the process. Only where the build makes a private copy of it (SG_TCC_PRIVATE). */
#ifndef SG_TCC_OUTSIDE_H
#define SG_TCC_OUTSIDE_H

typedef enum sg_tcc_outcome { SG_TCC_DONE, SG_TCC_LEFT, SG_TCC_MEMORY } sg_tcc_outcome;

/* Runs f, which calls libtcc. SG_TCC_LEFT: libtcc would have ended the process, and has said why;
 * SG_TCC_MEMORY: memory ran out. f may have ended at any call of libtcc then, and clean_up was run,
 * which gives back what it had. */
sg_tcc_outcome sg_tcc_guard(void (*f)(void *arg), void (*clean_up)(void *arg), void *arg);
/* Within f, around tcc_compile_string: where memory runs out there, f ends behind it. */
void sg_tcc_begin(void);
void sg_tcc_end(void);

#endif

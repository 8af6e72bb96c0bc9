/* dot.h - private to pictures: the schedule of a function as a graph to look at.
 *
 * dot_name.c  which values are nodes of the picture, and what they are called
 * dot.c       the text: nodes, boxes, edges
 *
 * A node of the picture is a value that is kept: what a step stores, a kernel's result, a value
 * that the user has named or that is read more than once. All else - constants, broadcasts,
 * movement, small expressions - is written into the formula of its reader. */
#ifndef SG_DOT_H
#define SG_DOT_H

#include "back/emit.h"
#include "back/sg_text.h"

typedef struct sg_picture {
	sg_ctx *ctx;
	sg_buf *b;           /* boxes and nodes */
	sg_buf edges;        /* for the end */
	size_t nedges;
	sg_bytes_map *taken; /* names: to the number that the next of the name gets */
	unsigned temporaries;
	int indent;
} sg_picture;

/* A function in a picture: an entry, the step of a loop, its condition. */
typedef struct sg_panel {
	sg_picture *pic;
	sg_fn *f;
	sg_program p;       /* the model's, over the function's graph */
	sg_text_writer w;   /* w.name: of what is not inlined */
	const char *prefix; /* of the picture's ids */
	const char **id;    /* by node: where its edges begin; NULL: it has none, or is inlined */
	uint32_t *step;     /* by node: in whose box it stands, + 1; 0: in none */
	sg_ref *first, *next; /* by step, by node: those of a box, ascending; 0: no more */
	uint32_t *seen, look; /* by node: the search for edges that last came by it; how many there were */
	bool *read;           /* by node: some other one, or the outside, needs it */
	int line;           /* of the loop that it is the body of, which says it; else 0 */
} sg_panel;

static inline bool
sg_is_shown(const sg_panel *q, sg_ref r)
{
	return q->w.name[r] && q->f->at[r].kind != SG_P_DEAD && q->f->g->node[r].op != SG_INPUT;
}

void sg_panel_init(sg_panel *q, sg_picture *pic, sg_fn *f, const char *prefix);
/* Sets w.name. Names of INPUTs that are there stay. */
void sg_panel_name(sg_panel *q);

#endif

#include "engine/context_shift.h"

#include <string.h>

#define N_SINKS 4u
/* Elements of keys that are moved in one step: some milliseconds of work. */
#define STEP_ELEMENTS (1u << 20)

uint32_t ink_context_shift_keep(uint32_t n_keep, uint32_t n_ctx) {
  if (n_keep < N_SINKS) n_keep = N_SINKS;
  return n_keep < n_ctx / 2 ? n_keep : n_ctx / 2;
}

/* The older half of what doesn't stay. */
static uint32_t half_of_rest(uint32_t keep, uint32_t n_ctx) {
  uint32_t half = (n_ctx - keep) / 2;
  return half ? half : 1;
}

size_t ink_context_shift_excess(size_t n_prompt, uint32_t keep, uint32_t n_ctx) {
  if (n_prompt < n_ctx) return 0;
  size_t unit = half_of_rest(keep, n_ctx);
  return (n_prompt - (n_ctx - 1) + unit - 1) / unit * unit;
}

/* Rings don't move: their positions are counted from another slot, in whole tiles. They hold no sinks,
 * so no window may reach back to those. */
static bool rings_can_shift(const ink_kv_cache *kv, uint32_t keep, uint32_t dropped, size_t n) {
  if (kv->n_ring == 0) return true;
  size_t seen = kv->n_window - 1; /* by the next token, apart from itself */
  return dropped > 0 && n - dropped >= seen + keep && n >= seen + kv->ring_first;
}

/* The tokens as they will be. */
static void drop_tokens(ink_session *session, uint32_t keep, uint32_t dropped) {
  memmove(session->tokens + keep, session->tokens + keep + dropped,
          (session->n_tokens - keep - dropped) * sizeof *session->tokens);
  session->n_tokens -= dropped;
}

void ink_context_shift_begin(ink_session *session, uint32_t keep) {
  const ink_hparams *h = &session->model->hparams;
  ink_kv_cache *kv = &session->kv;
  size_t n = session->n_tokens;
  uint32_t dropped = half_of_rest(keep, (uint32_t)n), whole_tiles = dropped & ~(INK_KV_TILE - 1);
  session->logits = NULL;
  if (session->n_exact > keep) session->n_exact = keep;
  if (kv->n_ring) dropped = whole_tiles ? whole_tiles : dropped;
  bool can_move = !h->learned_positions &&
                  rings_can_shift(kv, keep, kv->n_ring ? whole_tiles : dropped, n);
  size_t ring_first = kv->ring_first > keep + dropped ? kv->ring_first - dropped : keep;
  /* Until the keys are where they belong, these are all that could be gone on from. */
  session->n_cached = ink_kv_truncate(kv, keep);
  if (session->n_cached < session->n_exact) session->n_exact = session->n_cached;
  session->shift = (ink_context_shift){.under_way = can_move,
                                       .keep = keep,
                                       .dropped = dropped,
                                       .ring_first = ring_first};
  if (!can_move) drop_tokens(session, keep, dropped);
}

/* One key-value head of one layer. */
static void move_head(ink_session *session, uint32_t layer, uint32_t head) {
  const ink_context_shift *shift = &session->shift;
  uint32_t n = (uint32_t)session->n_tokens;
  ink_scratch *s = &session->scratch;
  bool turns = ink_rope_make_turn(&session->rope, layer, -(int64_t)shift->dropped, s->q);
  ink_kv_turn turn = {session->model->kernels, &session->rope, turns ? s->q : NULL, s->k};
  if (session->kv.layers[layer].is_ring) {
    uint32_t first = (uint32_t)(shift->ring_first + shift->dropped);
    if (turns) ink_kv_move(&session->kv, layer, head, first, first, n - first, turn);
  } else {
    uint32_t from = shift->keep + shift->dropped;
    ink_kv_move(&session->kv, layer, head, from, shift->keep, n - from, turn);
  }
}

static void finish_moving(ink_session *session) {
  const ink_context_shift *shift = &session->shift;
  drop_tokens(session, shift->keep, shift->dropped);
  session->n_cached = session->n_tokens;
  if (session->kv.n_ring) ink_kv_shift_rings(&session->kv, shift->dropped, shift->ring_first);
  session->shift.under_way = false;
}

bool ink_context_shift_step(ink_session *session, uint32_t max_tokens, uint32_t max_layers) {
  ink_context_shift *shift = &session->shift;
  const ink_hparams *h = &session->model->hparams;
  if (!shift->under_way) return ink_session_catch_up(session, max_tokens, max_layers);
  uint64_t per_head = (uint64_t)(session->n_tokens - shift->keep - shift->dropped) * h->n_embd_head;
  for (uint64_t done = 0; done < STEP_ELEMENTS; done += per_head + 1) {
    if (shift->next_head == h->n_layer * h->n_head_kv) {
      finish_moving(session);
      return true;
    }
    move_head(session, shift->next_head / h->n_head_kv, shift->next_head % h->n_head_kv);
    shift->next_head++;
  }
  return false;
}

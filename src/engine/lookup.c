#include "engine/lookup.h"

#include <string.h>

#define NGRAM 2u        /* tokens that a match has at least */
#define LONGEST 32u     /* matches are not measured further when they are compared */
#define CANDIDATES 16u  /* places that are compared, the latest first */
#define MAX_SLOTS (1u << 24) /* as many as the longest context has tokens */
#define LEARNING 0.125f /* weight of the latest expectation in a rate */
#define MIN_GAIN 1.1f   /* what drafts must promise to be tried: rates are guesses */

void ink_lookup_carve(ink_lookup *lookup, uint32_t n_ctx, ink_arena *arena) {
  *lookup = (ink_lookup){.n_slots = 1};
  while (lookup->n_slots < n_ctx && lookup->n_slots < MAX_SLOTS) lookup->n_slots *= 2;
  lookup->latest = ink_carve(arena, lookup->n_slots, sizeof *lookup->latest);
  lookup->earlier = ink_carve(arena, (uint64_t)n_ctx + 1, sizeof *lookup->earlier);
}

void ink_lookup_clear(ink_lookup *lookup) {
  memset(lookup->latest, 0, lookup->n_slots * sizeof *lookup->latest);
  lookup->n_indexed = 0;
  lookup->length = 0;
}

void ink_lookup_forget_rates(ink_lookup *lookup) {
  /* Of matches of 2, 3, 4, 6, 9 and 16 tokens or more. Short ones have to prove themselves. */
  static const float expected[INK_LOOKUP_RATES] = {0.3f, 0.5f, 0.65f, 0.8f, 0.9f, 0.95f};
  memcpy(lookup->rates, expected, sizeof expected);
}

static uint32_t rate_of(uint32_t length) {
  return (length > 2) + (length > 3) + (length > 5) + (length > 8) + (length > 15);
}

/* Of the NGRAM tokens before position `end`. */
static uint32_t slot_of(const ink_lookup *lookup, const ink_token *tokens, size_t end) {
  uint32_t hash = 0;
  for (size_t i = end - NGRAM; i < end; i++) hash = (hash ^ (uint32_t)tokens[i]) * 0x9E3779B1u;
  return (hash ^ hash >> 15) & (lookup->n_slots - 1);
}

/* How many tokens before `place` equal those before n. */
static uint32_t match_length(const ink_token *tokens, size_t place, size_t n) {
  uint32_t most = place < LONGEST ? (uint32_t)place : LONGEST, length = 0;
  while (length < most && tokens[place - 1 - length] == tokens[n - 1 - length]) length++;
  return length;
}

/* The longest match, of equals the latest, among places with the same n-gram. */
static void find_match(ink_lookup *lookup, const ink_token *tokens, size_t n, uint32_t place) {
  for (uint32_t i = 0; i < CANDIDATES && place; i++, place = lookup->earlier[place]) {
    uint32_t length = match_length(tokens, place, n);
    if (length < NGRAM || length <= lookup->length) continue;
    lookup->source = place;
    lookup->length = length;
  }
}

static void add_token(ink_lookup *lookup, const ink_token *tokens, size_t at, bool learn) {
  if (lookup->length) {
    bool right = tokens[lookup->source] == tokens[at];
    float *rate = &lookup->rates[rate_of(lookup->length)];
    if (learn) *rate += ((right ? 1.0f : 0.0f) - *rate) * LEARNING;
    lookup->source++;
    lookup->length = right ? lookup->length + 1 : 0;
  }
  size_t n = at + 1;
  if (n < NGRAM) return;
  uint32_t *latest = &lookup->latest[slot_of(lookup, tokens, n)];
  if (lookup->length == 0) find_match(lookup, tokens, n, *latest);
  lookup->earlier[n] = *latest;
  *latest = (uint32_t)n;
}

void ink_lookup_add(ink_lookup *lookup, const ink_token *tokens, size_t n, bool learn) {
  if (n < lookup->n_indexed) ink_lookup_clear(lookup);
  while (lookup->n_indexed < n) add_token(lookup, tokens, lookup->n_indexed++, learn);
}

uint32_t ink_lookup_draft(const ink_lookup *lookup, const ink_token *tokens, size_t n,
                          uint32_t most, ink_token *drafts) {
  if (lookup->length == 0) return 0;
  for (uint32_t i = 0; i < most; i++) {
    size_t from = lookup->source + i; /* a loop's next round is that of the drafts themselves */
    drafts[i] = from < n ? tokens[from] : drafts[from - n];
  }
  return most;
}

static float cost_of(ink_batch_cost cost, uint32_t n) {
  uint32_t tiles = n / INK_TILE_TOKENS, rest = n % INK_TILE_TOKENS;
  if (tiles == 0) return 1.0f + cost.rest * (float)(rest - 1);
  return cost.fixed + cost.tile * (float)tiles + cost.rest * (float)rest;
}

uint32_t ink_lookup_worthwhile(const ink_lookup *lookup, ink_batch_cost cost, uint32_t most) {
  if (lookup->length == 0) return 0;
  uint32_t best = 0;
  float best_gain = MIN_GAIN, expected = 1.0f, likelihood = 1.0f;
  for (uint32_t n = 1; n <= most; n++) {
    likelihood *= lookup->rates[rate_of(lookup->length + n - 1)];
    expected += likelihood;
    float gain = expected / cost_of(cost, n + 1);
    if (gain <= best_gain) continue;
    best = n;
    best_gain = gain;
  }
  return best;
}

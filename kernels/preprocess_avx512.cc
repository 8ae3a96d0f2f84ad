// The usual crops by tiles (tiles.h) with AVX-512; everything else is the AVX2 lanes'. The only file built for AVX-512
// (CMakeLists.txt); called only where the machine has it: VBMI's look-ups and VNNI's sums.
#include "avx512_windows.h"
#include "fixed_rows.h"
#include "preprocess_cpu.h"

namespace watchkeeper {
namespace {

enum class Chroma { kNone, kOwn, kShared };  // a chroma point: there is none, one a pixel, one for 2 x 2 of them

// Of 16 pixels: lanes 0..7 in the upper row, 8..15 in the lower.
struct Pixels {
  __m512 k[3];
};

WK_HOST_DEVICE Pixels constant_terms(const FixedColor& color) {
  return {{_mm512_set1_ps(color.m[0][3]), _mm512_set1_ps(color.m[1][3]), _mm512_set1_ps(color.m[2][3])}};
}

template <PixelFormat kFormat, int kRows>
WK_HOST_DEVICE Pixels chroma_terms(const Job& job, const BlockRow& row, int index) {
  constexpr Component c1 = format_info(kFormat).components[1], c2 = format_info(kFormat).components[2];
  const Plane &first = job.image.planes[c1.plane], &second = job.image.planes[c2.plane];
  const BlockPoints at = block_points(row, index);
  const std::int64_t offset = row.offset[index];
  const BlockSamples samples =
      chroma_samples<kRows, c1.plane == c2.plane>(first.data + offset, second.data + offset, first.stride, at);
  const BlockWeights weights = block_weights(at);
  const __m512 u = mixed(samples.first, weights), v = mixed(samples.second, weights);
  Pixels terms;
  for (int k = 0; k < 3; ++k) {
    const float* m = job.fixed_color.m[k];
    terms.k[k] = (u * m[1] + v * m[2]) + m[3];
  }
  return terms;
}

// Which of a tile's shared chroma points each pixel of its block (right, lower) has.
template <int kRight, int kLower>
WK_HOST_DEVICE Pixels shared_terms(const Pixels& tile) {
  const __m512i eight = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3);
  const __m512i from = _mm512_add_epi32(eight, _mm512_set1_epi32(8 * kLower + 4 * kRight));
  Pixels terms;
  for (int k = 0; k < 3; ++k) terms.k[k] = _mm512_permutexvar_ps(from, tile.k[k]);
  return terms;
}

// R, G and B of 16 pixels in turns: which of their 48 floats are 16 in a row, from kFirst on.
struct Turns {
  alignas(64) std::int32_t red_green[16] = {}, blue[16] = {};
  std::uint16_t is_blue = 0;
};

constexpr Turns turns_from(int first) {
  Turns turns;
  for (int i = 0; i < 16; ++i) {
    const int pixel = (first + i) / 3, channel = (first + i) % 3;
    turns.red_green[i] = pixel + (channel == 1 ? 16 : 0);
    turns.blue[i] = pixel;
    if (channel == 2) turns.is_blue = static_cast<std::uint16_t>(turns.is_blue | 1 << i);
  }
  return turns;
}

template <int kFirst>
WK_HOST_DEVICE __m512 in_turns(const Pixels& p) {
  static constexpr Turns kTurns = turns_from(kFirst);
  const __m512 both = _mm512_permutex2var_ps(p.k[0], _mm512_load_si512(kTurns.red_green), p.k[1]);
  return _mm512_mask_permutexvar_ps(both, kTurns.is_blue, _mm512_load_si512(kTurns.blue), p.k[2]);
}

WK_HOST_DEVICE void store_rows(float* upper, float* lower, __m512 both) {
  _mm256_storeu_ps(upper, _mm512_castps512_ps256(both));
  _mm256_storeu_ps(lower, _mm512_extractf32x8_ps(both, 1));
}

template <bool kPlanar>
WK_HOST_DEVICE void store_block(const Job& job, const Pixels& p, int x, int y) {
  const std::int64_t width = job.width, pixel = y * width + x, plane = width * job.height;
  float* to = static_cast<float*>(job.out);
  if constexpr (kPlanar) {
    for (int k = 0; k < 3; ++k) store_rows(to + k * plane + pixel, to + k * plane + pixel + width, p.k[k]);
  } else {
    float *upper = to + pixel * 3, *lower = upper + width * 3;
    _mm512_storeu_ps(upper, in_turns<0>(p));
    store_rows(upper + 16, lower, in_turns<16>(p));
    _mm512_storeu_ps(lower + 8, in_turns<32>(p));
  }
}

template <int kValue>
struct Number {
  static constexpr int value = kValue;
};

// As fixed_pixels does with kAlike.
template <int kRows, bool kPlanar>
WK_HOST_DEVICE void block(const Job& job, const BlockRow& row, int index, const Pixels& terms, int x, int y) {
  const Plane& plane = job.image.planes[0];
  const FixedColor& color = job.fixed_color;
  const BlockPoints at = block_points(row, index);
  const __m512i samples = luma_samples<kRows>(plane.data + row.offset[index], plane.stride, at);
  const __m512 first = mixed(samples, block_weights(at)) * color.m[0][0];
  const __m512 low = _mm512_set1_ps(color.low[0]), high = _mm512_set1_ps(color.high[0]);
  Pixels out;
  for (int k = 0; k < 3; ++k) out.k[k] = _mm512_min_ps(_mm512_max_ps(first + terms.k[k], low), high);
  store_block<kPlanar>(job, out, x, y);
}

// Where blocks begin in a row of pixels, or of the chroma points that 2 x 2 pixels share: one a tile.
struct Columns {
  alignas(64) std::int32_t pixels[kMostBlocks + 16] = {}, shared[kMostBlocks + 16] = {};
};

template <PixelFormat kFormat, int kRows, Chroma kChroma, bool kPlanar>
void tile_rows(const Job& asked) {
  const Job job = asked;  // a copy: nothing that is written can change it
  const ImageView& image = job.image;
  const int across = (job.width + kTileColumns - 1) / kTileColumns, down = (job.height + kTileRows - 1) / kTileRows;
  Columns columns;
  for (int i = 0; i < across; ++i) {
    const int left = tile_begin(i, kTileColumns, job.width);
    columns.pixels[2 * i] = left, columns.pixels[2 * i + 1] = left + kBlockColumns, columns.shared[i] = left / 2;
  }
  const auto place_luma = [&](int y, BlockRow& to) {
    const Extent extent{image.width, image.height};
    place_blocks(job.luma_map, y, columns.pixels, 2 * across, extent, kRows, image.planes[0].stride, 1, to);
  };
  const auto place_chroma = [&](int row, const std::int32_t* at, int blocks, BlockRow& to) {
    constexpr Component c = format_info(kFormat).components[1];
    const Extent extent{component_extent(image.width, c.shift_x), component_extent(image.height, c.shift_y)};
    place_blocks(job.chroma_map, row, at, blocks, extent, kRows, image.planes[c.plane].stride, c.step, to);
  };
  BlockRow luma[2], chroma[2];
  for (int j = 0; j < down; ++j) {
    const int top = tile_begin(j, kTileRows, job.height);
    place_luma(top, luma[0]), place_luma(top + kBlockRows, luma[1]);
    if constexpr (kChroma == Chroma::kShared) place_chroma(top / 2, columns.shared, across, chroma[0]);
    if constexpr (kChroma == Chroma::kOwn) {
      place_chroma(top, columns.pixels, 2 * across, chroma[0]);
      place_chroma(top + kBlockRows, columns.pixels, 2 * across, chroma[1]);
    }
    for (int i = 0; i < across; ++i) {
      const int left = columns.pixels[2 * i];
      Pixels shared = constant_terms(job.fixed_color);
      if constexpr (kChroma == Chroma::kShared) shared = chroma_terms<kFormat, kRows>(job, chroma[0], i);
      const auto one = [&](auto right, auto lower) {
        constexpr int kRight = decltype(right)::value, kLower = decltype(lower)::value;
        const int index = 2 * i + kRight;
        Pixels terms = shared;
        if constexpr (kChroma == Chroma::kShared) terms = shared_terms<kRight, kLower>(shared);
        if constexpr (kChroma == Chroma::kOwn) terms = chroma_terms<kFormat, kRows>(job, chroma[kLower], index);
        block<kRows, kPlanar>(job, luma[kLower], index, terms, left + kRight * kBlockColumns, top + kLower * kBlockRows);
      };
      one(Number<0>{}, Number<0>{}), one(Number<1>{}, Number<0>{});
      one(Number<0>{}, Number<1>{}), one(Number<1>{}, Number<1>{});
    }
  }
}

template <PixelFormat kFormat, int kRows, Chroma kChroma>
void tiles_of(const Job& job) {
  if (job.planar) return tile_rows<kFormat, kRows, kChroma, true>(job);
  tile_rows<kFormat, kRows, kChroma, false>(job);
}

template <int kRows>
void tiles(const Job& job) {
  switch (job.image.format) {
    case PixelFormat::kNv12:
      if (job.pair_x) return tiles_of<PixelFormat::kNv12, kRows, Chroma::kShared>(job);
      return tiles_of<PixelFormat::kNv12, kRows, Chroma::kOwn>(job);
    case PixelFormat::kI420:
      if (job.pair_x) return tiles_of<PixelFormat::kI420, kRows, Chroma::kShared>(job);
      return tiles_of<PixelFormat::kI420, kRows, Chroma::kOwn>(job);
    default:
      return tiles_of<PixelFormat::kGrey8, kRows, Chroma::kNone>(job);
  }
}

void direct(const Job& job) {
  switch (alike(job.fixed_color) ? tile_window_rows(job) : 0) {
    case kLowWindow: return tiles<kLowWindow>(job);
    case kHighWindow: return tiles<kHighWindow>(job);
    default: return avx2_rows().direct(job);
  }
}

}  // namespace

RowFunctions avx512_rows() {
  const RowFunctions others = avx2_rows();
  return {"avx512", direct, others.separable, others.reduced};
}

}  // namespace watchkeeper

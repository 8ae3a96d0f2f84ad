// The usual crops of fixed_core.h by windows: the points of a block of 8 x 2 output pixels lie so close together that all
// their samples are in a window of 16 columns and 8 or 16 rows of the picture. Where a machine can look bytes up in a
// table of that size within its registers, a block is a few wide loads and one look-up in place of two loads a pixel.
// Which jobs this is for, and where the windows are; no instruction set is taken for granted here.
#pragma once

#include "fixed_core.h"

namespace watchkeeper {

constexpr int kBlockColumns = 8, kBlockRows = 2;
constexpr int kWindowColumns = 16, kLowWindow = 8, kHighWindow = 16;
// A tile is 2 x 2 blocks of pixels. Where 2 x 2 pixels share a chroma point, its points are one block.
constexpr int kTileColumns = 2 * kBlockColumns, kTileRows = 2 * kBlockRows;
constexpr int kMostBlocks = kFixedMostColumns / kBlockColumns;

WK_HOST_DEVICE std::int64_t magnitude(std::int64_t v) { return v < 0 ? -v : v; }

// How far a block's points are apart on one axis, at most: 1 is 2^16. `pitch`: from row to row, 1 is 2^32; what is left of
// it after rounding is one more.
WK_HOST_DEVICE std::int64_t block_span(std::int32_t step, std::int64_t pitch) {
  return (kBlockColumns - 1) * magnitude(step) + (magnitude(pitch) >> 16) + 1;
}

// Samples in a row that such points read, wherever they begin: each its own and the next.
WK_HOST_DEVICE std::int64_t samples_over(std::int64_t span) { return ((span + 0xffff) >> 16) + 2; }

// Rows of a window for the map's blocks; 0 where none is large enough.
WK_HOST_DEVICE int window_rows(const FixedMap& map) {
  if (samples_over(block_span(map.a, map.b)) > kWindowColumns) return 0;
  const std::int64_t rows = samples_over(block_span(map.d, map.e));
  return rows <= kLowWindow ? kLowWindow : rows <= kHighWindow ? kHighWindow : 0;
}

// Rows of the windows of a prepared job that can be done by tiles; 0 where it cannot.
WK_HOST_DEVICE int tile_window_rows(const Job& job) {
  const bool grey = job.image.format == PixelFormat::kGrey8;
  const bool planes = job.image.format == PixelFormat::kNv12 || job.image.format == PixelFormat::kI420;
  if (!job.fixed || !(grey || planes) || job.channels != 3 || job.element != Element::kFloat32) return 0;
  // The last tile of a row or column is moved back to end with it: chroma points then have to begin with it, too.
  if (job.width < kTileColumns || job.height < kTileRows || job.width % 2 != 0 || job.height % 2 != 0) return 0;
  int rows = window_rows(job.luma_map);
  if (planes) {
    const int chroma_rows = window_rows(job.chroma_map);
    if (job.pair_x != job.pair_y || chroma_rows == 0) return 0;
    if (job.image.format == PixelFormat::kI420 && job.image.planes[1].stride != job.image.planes[2].stride) return 0;
    if (rows != 0 && chroma_rows > rows) rows = chroma_rows;
  }
  const int shift = planes ? 1 : 0;
  if (component_extent(job.image.width, shift) < kWindowColumns) return 0;
  return component_extent(job.image.height, shift) < rows ? 0 : rows;
}

// Where tile `index` begins along an axis of `size` pixels.
WK_HOST_DEVICE int tile_begin(int index, int tile, int size) {
  return index * tile < size - tile ? index * tile : size - tile;
}

}  // namespace watchkeeper

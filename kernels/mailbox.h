// One value in shared memory: one writer, many readers, none of them ever waits for another.
//
// A sequence lock (Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012). The sequence
// is odd while a value is being written; a reader takes a value only if it saw the same even sequence before and after
// copying. The payload is copied as relaxed atomic words, so that a copy torn by the writer is a wrong value to be
// thrown away and not a data race.
//
//   int fd = memfd_create("driver", MFD_CLOEXEC | MFD_ALLOW_SEALING);
//   watchkeeper::mailbox_create(fd, size, hash);
//   watchkeeper::Mailbox writer(fd, size, hash, true), reader(fd, size, hash, false);
//   writer.write(bytes);  reader.read(copy, 1000);
//
// The memory is a sealed memfd: it has no name that could be left behind, and nobody who holds the descriptor can
// shrink it under another's feet (which would be a SIGBUS there).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace watchkeeper {

using LayoutHash = std::array<unsigned char, 32>;

struct MailboxHeader {
  std::array<unsigned char, 8> magic;
  std::uint32_t version;
  std::uint32_t payload_size;  // bytes
  LayoutHash layout_hash;      // of the fields' names and formats; both sides must have been built from the same ones
  // On a cache line of its own: readers poll it.
  alignas(64) std::atomic<std::uint64_t> sequence;  // 0 nothing written yet; odd: being written
  alignas(64) std::atomic<std::uint64_t> words[1];  // the payload, rounded up to whole words
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "a lock inside shared memory would outlive its owner");
static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));
static_assert(offsetof(MailboxHeader, sequence) == 64 && offsetof(MailboxHeader, words) == 128);

constexpr std::size_t kMailboxSequenceOffset = offsetof(MailboxHeader, sequence);
constexpr std::size_t kMailboxPayloadOffset = offsetof(MailboxHeader, words);
constexpr std::uint32_t kMailboxMaxPayload = 1u << 24;  // bytes; a size beyond this is a mistake, not a message

// Sizes, seals and labels the memfd `fd`. Throws std::runtime_error.
void mailbox_create(int fd, std::size_t payload_size, const LayoutHash& layout_hash);

// One side's view of a mailbox. Unmaps when destroyed; the descriptor stays the caller's.
class Mailbox {
 public:
  // Throws std::runtime_error saying what does not fit: no mailbox, other version, other layout, not sealed.
  Mailbox(int fd, std::size_t payload_size, const LayoutHash& layout_hash, bool writable);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  std::size_t payload_size() const { return payload_size_; }
  std::uint64_t sequence() const;

  // Publishes payload_size() bytes. Also mends what a writer killed half way left behind (an odd sequence).
  void write(const unsigned char* bytes);

  // Copies the newest value. False after `tries` attempts without a consistent copy: nothing written yet, a writer that
  // died or was stopped half way, or one that writes faster than this can read. Never waits.
  bool read(unsigned char* bytes, unsigned tries) const;

 private:
  MailboxHeader* header_ = nullptr;
  std::size_t mapped_size_ = 0;
  std::size_t payload_size_ = 0;
  bool writable_ = false;
};

}  // namespace watchkeeper

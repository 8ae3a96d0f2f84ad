#include "mailbox.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

namespace watchkeeper {
namespace {

constexpr std::array<unsigned char, 8> kMagic = {'W', 'K', 'M', 'A', 'I', 'L', 'B', 'X'};
constexpr std::uint32_t kVersion = 1;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;

std::size_t word_count(std::size_t payload_size) { return (payload_size + 7) / 8; }

std::size_t total_size(std::size_t payload_size) { return kMailboxPayloadOffset + 8 * word_count(payload_size); }

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error("mailbox: " + what); }

[[noreturn]] void fail_errno(const std::string& what) { fail(what + ": " + std::strerror(errno)); }

MailboxHeader* map(int fd, std::size_t size, int protection) {
  void* address = mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) fail_errno("cannot map the shared memory");
  return static_cast<MailboxHeader*>(address);
}

// Tells the core that this is a spin, so that a sibling thread gets on.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace

void mailbox_create(int fd, std::size_t payload_size, const LayoutHash& layout_hash) {
  if (payload_size == 0 || payload_size > kMailboxMaxPayload) fail("a payload has 1 byte to 16 MiB");
  const std::size_t size = total_size(payload_size);
  if (ftruncate(fd, static_cast<off_t>(size)) != 0) fail_errno("cannot size the shared memory");
  if (fcntl(fd, F_ADD_SEALS, kSeals | F_SEAL_SEAL) != 0) fail_errno("cannot seal the shared memory (is it a memfd?)");
  MailboxHeader* header = map(fd, size, PROT_READ | PROT_WRITE);
  header->magic = kMagic;
  header->version = kVersion;
  header->payload_size = static_cast<std::uint32_t>(payload_size);
  header->layout_hash = layout_hash;
  new (&header->sequence) std::atomic<std::uint64_t>(0);
  munmap(header, size);
}

Mailbox::Mailbox(int fd, std::size_t payload_size, const LayoutHash& layout_hash, bool writable)
    : mapped_size_(total_size(payload_size)), payload_size_(payload_size), writable_(writable) {
  struct stat status {};
  if (fstat(fd, &status) != 0) fail_errno("descriptor " + std::to_string(fd));
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) fail("descriptor " + std::to_string(fd) + " is not a sealed memfd");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < kMailboxPayloadOffset + 8) fail("too small to be a mailbox: " + std::to_string(size) + " bytes");

  MailboxHeader* header = map(fd, size, writable ? PROT_READ | PROT_WRITE : PROT_READ);
  std::string problem;
  if (header->magic != kMagic) {
    problem = "not a mailbox (wrong magic)";
  } else if (header->version != kVersion) {
    problem = "version " + std::to_string(header->version) + ", this build has " + std::to_string(kVersion);
  } else if (header->layout_hash != layout_hash) {
    problem = "its layout differs from this build's: both processes must come from the same version of watchkeeper";
  } else if (header->payload_size != payload_size || size != mapped_size_) {
    problem = "payload of " + std::to_string(header->payload_size) + " bytes in " + std::to_string(size) +
              ", expected " + std::to_string(payload_size) + " in " + std::to_string(mapped_size_);
  }
  if (!problem.empty()) {
    munmap(header, size);
    fail(problem);
  }
  header_ = header;
}

Mailbox::~Mailbox() {
  if (header_ != nullptr) munmap(header_, mapped_size_);
}

std::uint64_t Mailbox::sequence() const { return header_->sequence.load(std::memory_order_acquire); }

void Mailbox::write(const unsigned char* bytes) {
  if (!writable_) fail("attached for reading only");
  // The next odd number, also after a writer that died leaving an odd one: its half-written value is never taken,
  // because no reader accepts an odd sequence and this write ends on an even one that was never used before.
  const std::uint64_t writing = (header_->sequence.load(std::memory_order_relaxed) + 1) | 1;
  header_->sequence.store(writing, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);  // no word below becomes visible before the odd sequence
  std::size_t left = payload_size_;
  for (std::size_t i = 0; left > 0; ++i) {
    const std::size_t n = left < 8 ? left : 8;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + 8 * i, n);
    header_->words[i].store(word, std::memory_order_relaxed);
    left -= n;
  }
  // 0 means that nothing was written yet. No writer counts that far, but somebody may have put a number there.
  header_->sequence.store(writing + 1 == 0 ? 2 : writing + 1, std::memory_order_release);
}

bool Mailbox::read(unsigned char* bytes, unsigned tries) const {
  for (unsigned attempt = 0; attempt < tries; ++attempt) {
    const std::uint64_t before = header_->sequence.load(std::memory_order_acquire);
    if (before == 0) return false;
    if ((before & 1) == 0) {
      std::size_t left = payload_size_;
      for (std::size_t i = 0; left > 0; ++i) {
        const std::size_t n = left < 8 ? left : 8;
        const std::uint64_t word = header_->words[i].load(std::memory_order_relaxed);
        std::memcpy(bytes + 8 * i, &word, n);
        left -= n;
      }
      std::atomic_thread_fence(std::memory_order_acquire);  // no word above is read after the sequence below
      if (header_->sequence.load(std::memory_order_relaxed) == before) return true;
    }
    relax();
  }
  return false;
}

}  // namespace watchkeeper

// Errors as values. Nothing in this program throws across a function boundary of its own;
// wrappers around libraries that throw catch and return a Result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tocsin {

enum class ErrorCode : uint8_t {
  kInvalidArgument,  // the caller's input is wrong; the message names the fix
  kNotFound,
  kAlreadyExists,
  kUnsupported,         // understood, but not available in this build; the message names it
  kOutOfBounds,         // timestamp outside what is accepted
  kDuplicateTimestamp,  // another value is already stored at that time
  kInvalidLabels,
  kStaleRef,  // a SeriesRef that is no longer valid: resolve again
  kSeriesLimit,
  kLimit,  // a configured limit was reached
  kTimeout,
  kCanceled,
  kUnavailable,  // not ready, or shutting down
  kIo,
  kNoSpace,
  kCorruption,
  kConflict,
  kExecution,  // a query that parsed but cannot be answered (many-to-many, ...)
  kInternal,   // a bug
};

std::string_view ErrorCodeName(ErrorCode code);

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with "`context`: " before its message; use at each boundary that knows more
  // (the file, the rule, the target).
  Error WithContext(std::string_view context) const& {
    return Error(code_, std::string(context) + ": " + message_);
  }

  bool operator==(const Error&) const = default;

 private:
  ErrorCode code_;
  std::string message_;
};

inline Error InvalidArgument(std::string m) { return {ErrorCode::kInvalidArgument, std::move(m)}; }
inline Error NotFound(std::string m) { return {ErrorCode::kNotFound, std::move(m)}; }
inline Error Unsupported(std::string m) { return {ErrorCode::kUnsupported, std::move(m)}; }
inline Error Internal(std::string m) { return {ErrorCode::kInternal, std::move(m)}; }

// Either a T or an Error. REQUIRES of value() and operator*/->: ok(); of error(): !ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return v_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(v_); }
  const T& value() const& { return std::get<0>(v_); }
  T&& value() && { return std::get<0>(std::move(v_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(v_); }
  T value_or(T fallback) const& { return ok() ? value() : std::move(fallback); }

 private:
  std::variant<T, Error> v_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;
inline Status OkStatus() { return {}; }

#define TOCSIN_CONCAT_INNER(a, b) a##b
#define TOCSIN_CONCAT(a, b) TOCSIN_CONCAT_INNER(a, b)

// Returns the error of `expr` (a Status or Result) from the enclosing function, if it has one.
#define TOCSIN_RETURN_IF_ERROR(expr)                                                       \
  do {                                                                                     \
    if (auto tocsin_status_ = (expr); !tocsin_status_.ok()) return tocsin_status_.error(); \
  } while (false)

// TOCSIN_ASSIGN(auto x, F()): x = *F(), or returns F's error.
#define TOCSIN_ASSIGN(lhs, expr) \
  TOCSIN_ASSIGN_IMPL(TOCSIN_CONCAT(tocsin_result_, __LINE__), lhs, expr)
#define TOCSIN_ASSIGN_IMPL(result, lhs, expr) \
  auto result = (expr);                       \
  if (!result.ok()) return result.error();    \
  lhs = *std::move(result)

}  // namespace tocsin

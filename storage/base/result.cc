#include "storage/base/result.h"

namespace tocsin {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kAlreadyExists:
      return "already exists";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kOutOfBounds:
      return "out of bounds";
    case ErrorCode::kDuplicateTimestamp:
      return "duplicate timestamp";
    case ErrorCode::kInvalidLabels:
      return "invalid labels";
    case ErrorCode::kStaleRef:
      return "stale reference";
    case ErrorCode::kSeriesLimit:
      return "series limit";
    case ErrorCode::kLimit:
      return "limit";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kCanceled:
      return "canceled";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kIo:
      return "input/output error";
    case ErrorCode::kNoSpace:
      return "no space";
    case ErrorCode::kCorruption:
      return "corruption";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kExecution:
      return "execution";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "unknown";
}

}  // namespace tocsin

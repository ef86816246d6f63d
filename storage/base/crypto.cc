#include "storage/base/crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace tocsin {
namespace {

template <size_t N>
std::array<uint8_t, N> Digest(const EVP_MD* kind, std::string_view data) {
  std::array<uint8_t, N> out{};
  EVP_Digest(data.data(), data.size(), out.data(), nullptr, kind, nullptr);
  return out;
}

std::string Hmac(const EVP_MD* kind, std::string_view key, std::string_view data) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(kind, key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(data.data()), data.size(), out, &size);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace

std::array<uint8_t, 16> Md5(std::string_view data) { return Digest<16>(EVP_md5(), data); }
std::array<uint8_t, 32> Sha256(std::string_view data) { return Digest<32>(EVP_sha256(), data); }

std::string HexLower(const uint8_t* data, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (size_t i = 0; i < size; ++i) {
    out.push_back(kDigits[data[i] >> 4]);
    out.push_back(kDigits[data[i] & 15]);
  }
  return out;
}

std::string Sha256Hex(std::string_view data) {
  const auto digest = Sha256(data);
  return HexLower(digest.data(), digest.size());
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  return Hmac(EVP_sha256(), key, data);
}
std::string HmacMd5(std::string_view key, std::string_view data) {
  return Hmac(EVP_md5(), key, data);
}

std::string Base64(std::string_view data) {
  std::string out(4 * ((data.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(data.data()),
                                static_cast<int>(data.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

}  // namespace tocsin

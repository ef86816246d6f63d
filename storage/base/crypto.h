// Hashes and encodings over OpenSSL. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

std::array<uint8_t, 16> Md5(std::string_view data);
std::array<uint8_t, 32> Sha256(std::string_view data);
std::string HexLower(const uint8_t* data, size_t size);
std::string Sha256Hex(std::string_view data);
std::string HmacSha256(std::string_view key, std::string_view data);  // 32 raw bytes
std::string HmacMd5(std::string_view key, std::string_view data);     // 16 raw bytes
std::string Base64(std::string_view data);

}  // namespace tocsin

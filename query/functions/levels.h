// Range functions over the cells of a level. Each is the counterpart of one over samples and gives
// the same result wherever the edges of the window lie on the grid of the level.
#pragma once

#include "query/levels.h"

namespace tocsin::query {

void LevelSum(LevelCall& level);
void LevelAvg(LevelCall& level);
void LevelCount(LevelCall& level);
void LevelPresent(LevelCall& level);
void LevelMin(LevelCall& level);
void LevelMax(LevelCall& level);
void LevelFirst(LevelCall& level);
void LevelLast(LevelCall& level);
void LevelFirstTime(LevelCall& level);
void LevelLastTime(LevelCall& level);
void LevelRate(LevelCall& level);
void LevelIncrease(LevelCall& level);
void LevelDelta(LevelCall& level);
void LevelResets(LevelCall& level);

}  // namespace tocsin::query

// docs/timing.md, "Fetch".
#include "backend/simulate/OccupationRun.h"

namespace acadlc::simulate {

void OccupationRun::readAhead() {
  hasAhead_ = stream_.next(ahead_);
  if (hasAhead_ && ahead_.index >= options_.maxInstructions) {
    hasAhead_ = false;
    limitReached_ = true;
  }
}

void OccupationRun::startFetch() {
  if (isFetching_ || branchUnderWay_ || !hasAhead_ ||
      fetchPath_.bufferSize - buffered_ < fetchPath_.width)
    return;
  isFetching_ = true;
  isFetchServed_ = false;
  noteChange();
  findCauseOfFetch();
  if (fetchPath_.unitLatency == 0)
    requestFetch();
  else
    schedule(fetchPath_.unitLatency, {Timed::Kind::FetchRequest, nobody, 0, {}});
}

void OccupationRun::requestFetch() {
  wantsFetchGrant_ = true;
  if (causes_)
    causes_->fetchRequested = causes_->enabler(now_);
}

/// A fetch has the age of the first instruction that it brings: it comes last.
void OccupationRun::grantFetch() {
  if (!wantsFetchGrant_ || freeSlotsOf_[fetchPath_.storage] == 0 ||
      !isTurn(fetchPath_.storage, Age{ahead_.index, {}}))
    return;
  wantsFetchGrant_ = false;
  findCauseOfFetchGrant();
  --freeSlotsOf_[fetchPath_.storage];
  noteChange();
  schedule(fetchPath_.serviceTime, {Timed::Kind::FetchServed, nobody, 0, {}});
}

void OccupationRun::fetchServed() {
  isFetchServed_ = true;
  ++freeSlotsOf_[fetchPath_.storage];
  noteFreed(fetchPath_.storage);
  if (fetchPath_.stageLatency == 0)
    fetchArrived();
  else
    schedule(fetchPath_.stageLatency, {Timed::Kind::FetchArrival, nobody, 0, {}});
}

void OccupationRun::fetchArrived() {
  isFetching_ = false;
  if (causes_)
    causes_->fetched = causes_->enabler(now_);
  for (std::int64_t i = 0; i < fetchPath_.width && hasAhead_ && !branchUnderWay_; ++i) {
    buffer();
    readAhead();
  }
}

/// Puts the next instruction into the issue buffer.
void OccupationRun::buffer() {
  Record &record = create(ahead_.id, {ahead_.loopValues.begin(), ahead_.loopValues.end()},
                          Age{ahead_.index, {}}, nullptr);
  ports_[record.next()].push_back(&record);
  ++buffered_;
  ++fetchedCount_;
  branchUnderWay_ = record.table->isBranch;
}

} // namespace acadlc::simulate

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in memory: the least recently used is dropped first, and each is forgotten after a while.
 * Plain C++17, knows nothing of the gateway; used from the loop thread alone, so without locks.
 */
#ifndef ANSWER_CACHE_CACHE_H
#define ANSWER_CACHE_CACHE_H

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

class Cache {
  public:
    struct Entry {
        std::string question;
        std::string answer;
        std::uint64_t stored_ms;
    };

    void configure(std::size_t max_entries, std::uint64_t max_age_ms) {
        max_entries_ = max_entries;
        max_age_ms_ = max_age_ms;
    }

    /* NULL when it is not there, or too old. The entry lives until the next call. */
    const Entry *find(std::string_view question, std::uint64_t now_ms) {
        const auto found = by_question_.find(question);
        if (found == by_question_.end())
            return nullptr;
        if (now_ms - found->second->stored_ms >= max_age_ms_) {
            drop(found->second);
            return nullptr;
        }
        entries_.splice(entries_.begin(), entries_, found->second); /* used last: to the front */
        return &entries_.front();
    }

    void store(std::string question, std::string_view answer, std::uint64_t now_ms) {
        if (const auto found = by_question_.find(question); found != by_question_.end())
            drop(found->second);
        entries_.push_front(Entry{std::move(question), std::string(answer), now_ms});
        try {
            by_question_.emplace(entries_.front().question, entries_.begin());
        } catch (...) {
            entries_.pop_front(); /* never an entry that nobody finds */
            throw;
        }
        while (entries_.size() > max_entries_)
            drop(std::prev(entries_.end()));
    }

    std::size_t size() const {
        return entries_.size();
    }

  private:
    using Entries = std::list<Entry>;

    void drop(Entries::iterator entry) {
        by_question_.erase(entry->question);
        entries_.erase(entry);
    }

    std::size_t max_entries_ = 0;
    std::uint64_t max_age_ms_ = 0;
    Entries entries_; /* the most recently used first */
    /* The keys are views of the entries' questions: a list never moves its elements. */
    std::unordered_map<std::string_view, Entries::iterator> by_question_;
};

#endif

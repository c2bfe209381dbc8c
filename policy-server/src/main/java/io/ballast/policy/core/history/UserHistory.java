package io.ballast.policy.core.history;

import io.ballast.policy.core.history.ShownSuggestion.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What each user was shown lately and did with it, in memory: a decision does not wait for a query.
 * Of a user who is not at hand nothing is known for that moment, and the log is asked meanwhile.
 * What this process shows, and the feedback that comes to it, are entered at once; what other
 * replicas do is seen at the next asking, after at most {@code refresh}.
 *
 * <p>It is to be recorded with the decision. Computed from the log later it would differ: it would
 * know of feedback that had not come yet.
 */
public final class UserHistory {
  /** So many of the last suggestions shown are kept of each user. */
  static final int KEPT = 50;

  private final HistoryStore store;
  private final Executor background;
  private final InstantSource clock;
  private final Duration refresh;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<User, Known> entries;

  /**
   * @param background runs queries
   * @param most of so many users, those who were last asked about
   * @param refresh how long what is in memory counts without asking the log again
   */
  public UserHistory(
      HistoryStore store, Executor background, InstantSource clock, int most, Duration refresh) {
    this.store = store;
    this.background = background;
    this.clock = clock;
    this.refresh = refresh;
    this.entries =
        new LinkedHashMap<>(16, 0.75f, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<User, Known> eldest) {
            return size() > most;
          }
        };
  }

  private record User(String tenant, String name) {}

  /** What a user did before; empty: that is not known, now or for nobody in particular. */
  public Optional<PastOutcomes> of(String tenant, String user) {
    if (user.isEmpty()) {
      return Optional.empty();
    }
    User key = new User(tenant, user);
    Instant now = clock.instant();
    lock.lock();
    Known entry;
    Optional<PastOutcomes> known;
    boolean load;
    try {
      entry = entries.computeIfAbsent(key, absent -> new Known());
      known =
          entry.loadedAt == null
              ? Optional.empty()
              : Optional.of(PastOutcomes.of(entry.shown, now));
      load = entry.needsLoading(now);
    } finally {
      lock.unlock();
    }
    if (load) {
      inBackground(key, entry);
    }
    return known;
  }

  /** A user was shown something. */
  public void shown(String tenant, String user, ShownSuggestion suggestion) {
    change(tenant, user, entry -> entry.add(suggestion));
  }

  /** Feedback on a suggestion came. */
  public void answered(String tenant, String user, UUID suggestionId, Outcome outcome) {
    change(tenant, user, entry -> entry.answer(suggestionId, outcome));
  }

  /** What a user did is deleted. */
  public void forget(String tenant, String user) {
    lock.lock();
    try {
      entries.remove(new User(tenant, user));
    } finally {
      lock.unlock();
    }
  }

  /** What somebody did is deleted: everybody's is asked for again. */
  public void forgetAll() {
    lock.lock();
    try {
      entries.clear();
    } finally {
      lock.unlock();
    }
  }

  private void change(String tenant, String user, Change change) {
    lock.lock();
    try {
      Known entry = entries.get(new User(tenant, user));
      if (entry != null) {
        entry.take(change);
      }
    } finally {
      lock.unlock();
    }
  }

  private void inBackground(User user, Known entry) {
    try {
      background.execute(() -> load(user, entry));
    } catch (RejectedExecutionException e) { // the process is on its way out
      notLoaded(entry);
    }
  }

  private void load(User user, Known entry) {
    List<ShownSuggestion> stored;
    try {
      stored = store.latest(user.tenant(), user.name(), KEPT);
    } catch (RuntimeException e) { // whoever comes next asks again
      notLoaded(entry);
      return;
    }
    lock.lock();
    try {
      entry.loaded(stored, clock.instant());
    } finally {
      lock.unlock();
    }
  }

  private void notLoaded(Known entry) {
    lock.lock();
    try {
      entry.loading = null;
    } finally {
      lock.unlock();
    }
  }

  /** Something that happened to a user's entry; applied twice it changes nothing more. */
  @FunctionalInterface
  private interface Change {
    void applyTo(Known entry);
  }

  /** One user; guarded by the lock. */
  private final class Known {
    private List<ShownSuggestion> shown = new ArrayList<>();
    private @Nullable Instant loadedAt;
    private boolean stale;

    /** What happened since the query that is under way began; null: none is. */
    private @Nullable List<Change> loading;

    boolean needsLoading(Instant now) {
      if (loading != null || (!stale && counts(now))) {
        return false;
      }
      loading = new ArrayList<>();
      stale = false;
      return true;
    }

    /** Not if it was loaded in what is now the future: then the clock was set back. */
    private boolean counts(Instant now) {
      return loadedAt != null && !now.isBefore(loadedAt) && now.isBefore(loadedAt.plus(refresh));
    }

    void take(Change change) {
      change.applyTo(this);
      if (loading != null) {
        loading.add(change);
      }
    }

    void loaded(List<ShownSuggestion> stored, Instant at) {
      shown = new ArrayList<>(stored);
      loadedAt = at;
      List<Change> meanwhile = loading;
      loading = null;
      if (meanwhile != null) {
        meanwhile.forEach(change -> change.applyTo(this));
      }
    }

    void add(ShownSuggestion suggestion) {
      if (indexOf(suggestion.suggestionId()) < 0) {
        shown.addFirst(suggestion);
        if (shown.size() > KEPT) {
          shown.removeLast();
        }
      }
    }

    /** What another replica showed is not known here yet: the log is to be asked again. */
    void answer(UUID suggestionId, Outcome outcome) {
      int index = indexOf(suggestionId);
      if (index < 0) {
        stale = true;
      } else {
        shown.set(index, shown.get(index).with(outcome));
      }
    }

    private int indexOf(UUID suggestionId) {
      for (int i = 0; i < shown.size(); i++) {
        if (shown.get(i).suggestionId().equals(suggestionId)) {
          return i;
        }
      }
      return -1;
    }
  }
}

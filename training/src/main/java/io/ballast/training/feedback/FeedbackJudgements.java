package io.ballast.training.feedback;

import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.PromptText;
import io.ballast.training.data.Source;
import io.ballast.training.feedback.FeedbackAct.Accepted;
import io.ballast.training.feedback.FeedbackAct.Edited;
import io.ballast.training.feedback.FeedbackAct.FollowedUp;
import io.ballast.training.feedback.FeedbackAct.Rated;
import io.ballast.training.feedback.FeedbackAct.Reacted;
import io.ballast.training.feedback.FeedbackAct.Rejected;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Makes judgements of feedback, one record after the other, in bounded memory.
 *
 * <p>A suggestion has one judgement: the last one, by the time at which it happened; who accepts
 * and then takes it back has changed their mind. Suggestions that nobody reacted to say nothing and
 * are no negative judgements (RLUF's pitfall 2); so is what somebody wrote next, and feedback on
 * what was not shown. Of one user, and of all, the last so many suggestions count.
 *
 * <p>Source: Han et al. 2025 (RLUF), arXiv:2505.14946, on what production feedback does not say.
 * Not thread-safe.
 */
public final class FeedbackJudgements {
  private static final int KEPT_BAD_ROWS = 100;

  /** Suggestions of one person at one prompt that are compared with each other, the last ones. */
  static final int COMPARED = 16;

  private final FeedbackRules rules;
  private final Map<String, FeedbackRecord> kept = new LinkedHashMap<>();
  private final Map<String, LinkedHashSet<String>> byUser = new HashMap<>();
  private final Map<LeftOut, Long> leftOut = new EnumMap<>(LeftOut.class);
  private final List<BadRow> badRows = new ArrayList<>();
  private long badRowCount;
  private long records;
  private long characters;

  /** Why feedback did not become a judgement, though nothing is wrong with it. */
  public enum LeftOut {
    /** Somebody said something else of the suggestion later. */
    SUPERSEDED("judged anew later"),
    /** What was written next. */
    NO_JUDGEMENT("no judgement"),
    /** The application was told not to show it. */
    NOT_SHOWN("not shown"),
    /** The user has newer ones, as many as count. */
    OVER_USER_LIMIT("over the limit of one user"),
    /** There are newer ones, as many as fit. */
    OVER_LIMIT("over the limit of all"),
    /** Nothing to compare it with. */
    UNPAIRED("nothing to compare with");

    private final String words;

    LeftOut(String words) {
      this.words = words;
    }
  }

  /** Nothing yet. */
  public FeedbackJudgements(FeedbackRules rules) {
    this.rules = rules;
  }

  /** Takes the next record of the log. */
  public void add(FeedbackRecord record) {
    records++;
    Optional<String> flaw = flaw(record);
    if (record.act() instanceof FollowedUp) {
      leaveOut(LeftOut.NO_JUDGEMENT);
    } else if (!record.shown()) {
      leaveOut(LeftOut.NOT_SHOWN);
    } else if (flaw.isPresent()) {
      badRowCount++;
      if (badRows.size() < KEPT_BAD_ROWS) {
        badRows.add(new BadRow(record.row(), flaw.get()));
      }
    } else {
      keep(record);
    }
  }

  /** How many records were taken. */
  public long records() {
    return records;
  }

  private static Optional<String> flaw(FeedbackRecord record) {
    if (record.completion().isEmpty()) {
      return Optional.of(
          "suggestion %s: empty (expected: at least one character)"
              .formatted(record.suggestionId()));
    }
    int length = record.completion().length();
    if (record.act() instanceof Edited edited
        && (edited.keptCharacters() < 0 || edited.keptCharacters() > length)) {
      return Optional.of(
          "event %s: %,d characters kept of %,d"
              .formatted(record.eventId(), edited.keptCharacters(), length));
    }
    if (record.act() instanceof Rated rated
        && !(rated.maximum() - rated.minimum() > 0
            && Double.isFinite(rated.maximum() - rated.minimum())
            && rated.value() >= rated.minimum()
            && rated.value() <= rated.maximum())) {
      return Optional.of(
          "event %s: rating %s of %s to %s (expected: a scale whose width is a number)"
              .formatted(record.eventId(), rated.value(), rated.minimum(), rated.maximum()));
    }
    return Optional.empty();
  }

  private void keep(FeedbackRecord record) {
    FeedbackRecord known = kept.get(record.suggestionId());
    if (known != null) {
      leaveOut(LeftOut.SUPERSEDED);
      if (record.time().isBefore(known.time())) {
        return;
      }
      characters -= known.characters();
    }
    kept.put(record.suggestionId(), record);
    characters += record.characters();
    LinkedHashSet<String> own =
        byUser.computeIfAbsent(record.user(), user -> new LinkedHashSet<>());
    own.add(record.suggestionId());
    if (own.size() > rules.perUser()) {
      drop(own.getFirst(), LeftOut.OVER_USER_LIMIT);
    }
    Iterator<String> oldest = kept.keySet().iterator();
    List<String> over = new ArrayList<>();
    long freed = 0;
    while (kept.size() - over.size() > rules.mostSuggestions()
        || (characters - freed > rules.mostCharacters() && kept.size() - over.size() > 1)) {
      String id = oldest.next();
      freed += characters(id);
      over.add(id);
    }
    over.forEach(id -> drop(id, LeftOut.OVER_LIMIT));
  }

  private long characters(String suggestionId) {
    FeedbackRecord record = kept.get(suggestionId);
    return record == null ? 0 : record.characters();
  }

  private void drop(String suggestionId, LeftOut why) {
    FeedbackRecord record = kept.remove(suggestionId);
    if (record != null) {
      characters -= record.characters();
      LinkedHashSet<String> own = byUser.get(record.user());
      if (own != null && own.remove(suggestionId) && own.isEmpty()) {
        byUser.remove(record.user());
      }
      leaveOut(why);
    }
  }

  private void leaveOut(LeftOut why) {
    leftOut.merge(why, 1L, Long::sum);
  }

  /** Returns the judgements, in the order in which their suggestions first came. */
  public JudgementData data() {
    Map<LeftOut, Long> reasons = new EnumMap<>(LeftOut.class);
    reasons.putAll(leftOut);
    List<Judgement> judgements =
        switch (rules.form()) {
          case GRADES -> kept.values().stream().map(FeedbackJudgements::graded).toList();
          case PAIRS -> pairs(reasons);
        };
    return new JudgementData(judgements, badRows, badRowCount, digest(), facts(reasons));
  }

  private static Judgement graded(FeedbackRecord record) {
    return new Judgement.Grade(
        new PromptText.Plain(record.prompt()),
        record.completion(),
        grade(record),
        1,
        source(record));
  }

  /** 0 (the worst) to 1 (the best). */
  private static double grade(FeedbackRecord record) {
    return switch (record.act()) {
      case Accepted _ -> 1;
      case Rejected _ -> 0;
      case Edited edited -> (double) edited.keptCharacters() / record.completion().length();
      case Reacted reacted -> reacted.liked() ? 1 : 0;
      case Rated rated -> {
        double width = rated.maximum() - rated.minimum();
        yield Math.clamp(rated.value() / width - rated.minimum() / width, 0, 1);
      }
      case FollowedUp _ -> throw new IllegalStateException("what was written next is no judgement");
    };
  }

  private record Place(String user, String prompt) {}

  private List<Judgement> pairs(Map<LeftOut, Long> reasons) {
    Map<Place, List<FeedbackRecord>> places = new LinkedHashMap<>();
    kept.values()
        .forEach(
            record ->
                places
                    .computeIfAbsent(
                        new Place(record.user(), record.prompt()), place -> new ArrayList<>())
                    .add(record));
    List<Judgement> pairs = new ArrayList<>();
    long unpaired = 0;
    for (List<FeedbackRecord> ofOne : places.values()) {
      boolean[] said = new boolean[ofOne.size()];
      for (int i = 0; i < ofOne.size(); i++) {
        FeedbackRecord record = ofOne.get(i);
        if (record.act() instanceof Edited edited
            && !edited.finalText().isEmpty()
            && !edited.finalText().equals(record.completion())) {
          pairs.add(pair(edited.finalText(), record.completion(), record));
          said[i] = true;
        }
        for (int j = Math.max(0, ofOne.size() - COMPARED); j < ofOne.size(); j++) {
          FeedbackRecord other = ofOne.get(j);
          if (i >= ofOne.size() - COMPARED
              && grade(record) > grade(other)
              && !record.completion().equals(other.completion())) {
            pairs.add(pair(record.completion(), other.completion(), later(record, other)));
            said[i] = true;
            said[j] = true;
          }
        }
      }
      for (boolean each : said) {
        unpaired += each ? 0 : 1;
      }
    }
    if (unpaired > 0) {
      reasons.put(LeftOut.UNPAIRED, unpaired);
    }
    return pairs;
  }

  private static FeedbackRecord later(FeedbackRecord a, FeedbackRecord b) {
    return a.time().isBefore(b.time()) ? b : a;
  }

  private static Judgement pair(String chosen, String rejected, FeedbackRecord record) {
    return new Judgement.Pair(
        new PromptText.Plain(record.prompt()), chosen, rejected, 0, 1, source(record));
  }

  private static Source source(FeedbackRecord record) {
    return new Source(
        record.row(),
        record.user(),
        record.user(),
        Optional.of(record.time()),
        record.policyVersion());
  }

  private Map<String, String> facts(Map<LeftOut, Long> reasons) {
    Map<String, String> facts = new LinkedHashMap<>();
    long anonymous = byUser.getOrDefault("", new LinkedHashSet<>()).size();
    facts.put(
        "feedback",
        String.format(
            Locale.ROOT,
            "%s; %s of %s%s, at most %,d of one",
            Texts.counted(records, "event"),
            Texts.counted(kept.size(), "suggestion"),
            Texts.counted(byUser.size() - (anonymous > 0 ? 1 : 0), "user"),
            anonymous > 0
                ? String.format(Locale.ROOT, " and %,d of nobody in particular", anonymous)
                : "",
            rules.perUser()));
    if (!kept.isEmpty()) {
      Comparator<FeedbackRecord> byTime = Comparator.comparing(FeedbackRecord::time);
      facts.put(
          "feedback from",
          kept.values().stream().min(byTime).orElseThrow().time()
              + " to "
              + kept.values().stream().max(byTime).orElseThrow().time());
      facts.put(
          "suggested by",
          kept.values().stream()
              .collect(
                  Collectors.groupingBy(
                      FeedbackRecord::policyVersion, TreeMap::new, Collectors.counting()))
              .entrySet()
              .stream()
              .map(each -> String.format(Locale.ROOT, "%s %,d", each.getKey(), each.getValue()))
              .collect(Collectors.joining(", ")));
    }
    if (!reasons.isEmpty()) {
      facts.put(
          "feedback left out",
          reasons.entrySet().stream()
              .map(
                  each ->
                      String.format(Locale.ROOT, "%s %,d", each.getKey().words, each.getValue()))
              .collect(Collectors.joining(", ")));
    }
    return facts;
  }

  /** Of what is kept, so that the same feedback has the same digest. */
  private String digest() {
    MessageDigest sum = Sha256.digest();
    for (FeedbackRecord record : kept.values()) {
      for (String part :
          List.of(
              record.suggestionId(),
              record.user(),
              record.prompt(),
              record.completion(),
              record.time().toString(),
              record.act().toString())) {
        sum.update((part.length() + ":" + part).getBytes(StandardCharsets.UTF_8));
      }
    }
    sum.update(rules.form().name().getBytes(StandardCharsets.UTF_8));
    return Sha256.hex(sum);
  }
}

package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.flow.DemoSeeds.Purpose;
import io.ballast.standalone.demo.flow.FirstSuggestions.Answered;
import io.ballast.standalone.demo.mesh.Reaction;
import io.ballast.standalone.demo.mesh.SuggestQuestion;
import io.ballast.standalone.demo.mesh.Suggestion;
import io.ballast.workshop.programmer.Judgement;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** Asks for suggestions with the gate in force, and tells the mesh what the programmer did. */
final class SuggestStep {
  private static final int CONTEXT_LINES = 2;
  private static final int CONTEXT_CHARACTERS = 400;
  private static final String USER = "demo-programmer";

  private final DemoContext demo;

  SuggestStep(DemoContext demo) {
    this.demo = demo;
  }

  FirstSuggestions run() {
    List<Position> positions = demo.sets().suggestions();
    demo.screen()
        .step(
            "%,d positions in held-out files: suggestions, with the gate in force"
                .formatted(positions.size()));
    List<Suggestion> suggestions =
        ParallelCalls.map(
            IntStream.range(0, positions.size()).boxed().toList(),
            DemoPlan.CALLS_AT_A_TIME,
            i -> demo.calls().suggest(question(i, positions.get(i))),
            done -> demo.screen().progress("suggestions", done, positions.size()));
    SimulatedProgrammer programmer =
        new SimulatedProgrammer(
            DemoPlan.PROGRAMMER_NOISE, demo.seeds().generator(Purpose.PROGRAMMER));
    List<Answered> answered = new ArrayList<>();
    for (int i = 0; i < positions.size(); i++) {
      Suggestion suggestion = suggestions.get(i);
      answered.add(
          new Answered(
              positions.get(i),
              suggestion,
              suggestion.fate() == Suggestion.Fate.SHOWN
                  ? Optional.of(programmer.react(positions.get(i), suggestion.text()))
                  : Optional.empty()));
    }
    List<Answered> reacted = answered.stream().filter(one -> one.reaction().isPresent()).toList();
    ParallelCalls.map(
        reacted,
        DemoPlan.CALLS_AT_A_TIME,
        one -> {
          record(one);
          return true;
        },
        done -> demo.screen().progress("feedback", done, reacted.size()));
    FirstSuggestions first = new FirstSuggestions(answered, reacted.size());
    first.examples().forEach(one -> demo.screen().say(show(one)));
    return first;
  }

  private SuggestQuestion question(int i, Position position) {
    return new SuggestQuestion(
        "",
        demo.prompts().toSuggest(position),
        demo.seeds().at(Purpose.SUGGESTIONS, i, 0),
        true,
        true,
        USER);
  }

  private void record(Answered one) {
    Judgement judgement = one.reaction().orElseThrow();
    String id = one.suggestion().id();
    demo.calls().recordFeedback(id, reaction(one.position(), judgement), "demo-" + id);
  }

  private static Reaction reaction(Position position, Judgement judgement) {
    return switch (judgement.outcome()) {
      case ACCEPTED -> new Reaction.Accepted(judgement.charactersSaved());
      case EDITED -> new Reaction.Edited(judgement.charactersKept(), position.truth());
      case REJECTED -> new Reaction.Rejected();
    };
  }

  /** Returns one suggestion as a person would like to see it. */
  static String show(Answered one) {
    Suggestion suggestion = one.suggestion();
    String line = one.position().lineBefore();
    String offered =
        switch (suggestion.fate()) {
          case SHOWN -> "⟨" + suggestion.text() + "⟩";
          case WITHHELD, BLOCKED -> "▏";
        };
    StringBuilder shown = new StringBuilder("\n");
    linesBefore(one.position()).forEach(l -> shown.append("         ").append(l).append('\n'));
    shown.append("         ").append(line).append(offered).append('\n');
    shown
        .append("           ")
        .append(suggestion.fate().name().toLowerCase(Locale.ROOT))
        .append(": ")
        .append(suggestion.reason());
    append(shown, ", p(accept) %.2f", suggestion.acceptProbability());
    append(shown, " vs %.2f", suggestion.acceptThreshold());
    append(shown, ", p(harm) %.2f", suggestion.harmProbability());
    append(shown, " vs %.2f", suggestion.harmThreshold());
    append(shown, ", reward %.2f", suggestion.reward());
    append(shown, " ± %.2f", suggestion.spread());
    shown.append(
        String.format(
            Locale.ROOT,
            ", version %s, %.0f ms%s",
            suggestion.policyVersion(),
            suggestion.totalMillis(),
            suggestion.degraded() ? ", a peer was down" : ""));
    one.reaction()
        .ifPresent(
            reaction ->
                shown.append(
                    "\n           the programmer: %s; the file says: %s"
                        .formatted(words(reaction), one.position().truth())));
    return shown.toString();
  }

  private static List<String> linesBefore(Position position) {
    List<String> lines = position.promptTail(CONTEXT_CHARACTERS).lines().toList();
    return lines.subList(Math.max(0, lines.size() - 1 - CONTEXT_LINES), lines.size() - 1);
  }

  private static String words(Judgement reaction) {
    return switch (reaction.outcome()) {
      case ACCEPTED -> "accepted, %d characters saved".formatted(reaction.charactersSaved());
      case EDITED -> "kept the first %d characters".formatted(reaction.charactersKept());
      case REJECTED -> "rejected";
    };
  }

  private static void append(StringBuilder text, String pattern, OptionalDouble value) {
    value.ifPresent(number -> text.append(String.format(Locale.ROOT, pattern, number)));
  }
}

package io.ballast.policy.adapter;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import io.ballast.policy.core.feedback.DecisionReplay.ReplayedField;
import io.ballast.safety.v1.GateStageAnswer;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Compares what a stage said twice, field by field, whatever fields it has. */
final class GateAnswerFields {
  /** What explains a decision and is no part of it: a replay may tell more than was told then. */
  private static final Set<String> EXPLANATIONS =
      Set.of("contributions", "exploration_seed", "log_odds", "base_log_odds", "other_log_odds");

  private GateAnswerFields() {}

  /**
   * The fields that either has, in the order of their numbers; doubles are compared by bits. Left
   * out is an explanation that was not given then, and what could not be recorded then.
   */
  static List<ReplayedField> compare(GateStageAnswer recorded, GateStageAnswer answered) {
    GateStageAnswer replayed = recorded.hasLogOdds() ? answered : asBefore(answered);
    return GateStageAnswer.getDescriptor().getFields().stream()
        .filter(
            field ->
                isSet(recorded, field)
                    || (isSet(replayed, field) && !EXPLANATIONS.contains(field.getName())))
        .map(
            field ->
                new ReplayedField(
                    field.getName(),
                    text(recorded.getField(field)),
                    text(replayed.getField(field)),
                    recorded.getField(field).equals(replayed.getField(field))))
        .toList();
  }

  /** As a server told it that did not record log-odds, nor anything that came with them. */
  private static GateStageAnswer asBefore(GateStageAnswer answered) {
    GateStageAnswer.Builder before =
        answered.toBuilder().clearTimes().clearOtherGateVersion().clearOtherGateFolderSha256();
    if (answered.hasGuarantee()) {
      before.getGuaranteeBuilder().clearUnit().clearUnitsCount();
    }
    return before.build();
  }

  private static boolean isSet(GateStageAnswer answer, FieldDescriptor field) {
    return field.isRepeated() ? answer.getRepeatedFieldCount(field) > 0 : answer.hasField(field);
  }

  private static String text(Object value) {
    return switch (value) {
      case Double number -> "%s (%016x)".formatted(number, Double.doubleToRawLongBits(number));
      case EnumValueDescriptor named -> named.getName();
      case Message message -> TextFormat.printer().emittingSingleLine(true).printToString(message);
      case List<?> many ->
          many.stream().map(GateAnswerFields::text).collect(Collectors.joining(", ", "[", "]"));
      default -> String.valueOf(value);
    };
  }
}

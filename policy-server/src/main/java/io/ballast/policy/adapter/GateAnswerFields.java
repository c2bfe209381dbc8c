package io.ballast.policy.adapter;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import io.ballast.policy.core.feedback.DecisionReplay.ReplayedField;
import io.ballast.safety.v1.GateStageAnswer;
import java.util.List;
import java.util.stream.Collectors;

/** Compares what a stage said twice, field by field, whatever fields it has. */
final class GateAnswerFields {
  private GateAnswerFields() {}

  /** The fields that either has, in the order of their numbers; doubles are compared by bits. */
  static List<ReplayedField> compare(GateStageAnswer recorded, GateStageAnswer replayed) {
    return GateStageAnswer.getDescriptor().getFields().stream()
        .filter(field -> isSet(recorded, field) || isSet(replayed, field))
        .map(
            field ->
                new ReplayedField(
                    field.getName(),
                    text(recorded.getField(field)),
                    text(replayed.getField(field)),
                    recorded.getField(field).equals(replayed.getField(field))))
        .toList();
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

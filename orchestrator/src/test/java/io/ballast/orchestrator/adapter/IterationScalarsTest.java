package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import io.ballast.orchestrator.v1.ConstraintMetrics;
import io.ballast.orchestrator.v1.GoldFailure;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.LearningMetrics;
import io.ballast.orchestrator.v1.MeasuredCost;
import io.ballast.orchestrator.v1.RunAlarm;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Every number that an iteration has gets a tag, and none that it has not. */
class IterationScalarsTest {
  /** The step, and what the first constraint says once more. */
  private static final Set<String> NO_TAG_OF_THEIR_OWN =
      Set.of("iteration", "mean_cost", "pessimistic_cost", "lambda");

  @Test
  void everyNumberOfTheMessageHasATag() {
    Map<String, Double> numbers = new LinkedHashMap<>();
    IterationMetrics.Builder metrics = IterationMetrics.newBuilder();
    fill(metrics, "", numbers);
    NO_TAG_OF_THEIR_OWN.forEach(numbers::remove);

    Map<String, Double> scalars = IterationScalars.of(metrics.build());

    assertThat(numbers).hasSizeGreaterThan(25);
    assertThat(numbers)
        .as("numbers without a tag: give them one in IterationScalars")
        .allSatisfy((field, number) -> assertThat(scalars).containsValue(number));
  }

  @Test
  void tagsAreStable() {
    IterationMetrics metrics =
        IterationMetrics.newBuilder()
            .setIteration(3)
            .setMeanReward(0.25)
            .setSamplesCount(8)
            .setMeanCompletionTokens(5)
            .setSampleSeconds(2)
            .setLearnSeconds(4)
            .addConstraints(
                ConstraintMetrics.newBuilder().setName("leak").setMeanCost(0.5).setLambda(2))
            .addConstraints(ConstraintMetrics.newBuilder().setName("harm").setMeanCost(0.75))
            .build();

    // 8 completions of 5 tokens in 2 s, and in 4 s; nothing can be said of judging in 0 s
    assertThat(IterationScalars.of(metrics))
        .containsEntry("train/reward", 0.25)
        .containsEntry("constraint/leak/cost", 0.5)
        .containsEntry("constraint/leak/lambda", 2.0)
        .containsEntry("constraint/leak/lambda_at_cap", 0.0)
        .containsEntry("seconds/judge", 0.0)
        .containsEntry("completions_per_second/sample", 4.0)
        .containsEntry("tokens_per_second/sample", 20.0)
        .containsEntry("tokens_per_second/learn", 10.0)
        .containsEntry("constraint/harm/cost", 0.75)
        .doesNotContainKeys(
            "tokens_per_second/judge",
            "constraint/leak/bound",
            "constraint/harm/lambda",
            "constraint/harm/lambda_at_cap");
  }

  @Test
  void whatAnIterationDoesNotHaveIsNoZero() {
    IterationMetrics metrics =
        IterationMetrics.newBuilder()
            .setGoldFailure(GoldFailure.newBuilder().setReason("MODEL_LOADING"))
            .addMeasured(
                MeasuredCost.newBuilder().setName("tests").setFailure(GoldFailure.newBuilder()))
            .build();

    assertThat(IterationScalars.of(metrics).keySet())
        .noneMatch(
            tag ->
                tag.startsWith(IterationScalars.GOLD)
                    || tag.startsWith(IterationScalars.MEASURED)
                    || tag.startsWith(IterationScalars.CONSTRAINT)
                    || tag.contains("spread")
                    || tag.contains("per_second"));
  }

  /** Sets every number to one of its own, and everything else that holds numbers once. */
  private static void fill(Message.Builder message, String path, Map<String, Double> numbers) {
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      String name = path + field.getName();
      switch (field.getJavaType()) {
        case DOUBLE -> message.setField(field, number(name, numbers) + 0.5);
        case INT -> message.setField(field, (int) number(name, numbers));
        case BOOLEAN, STRING -> {}
        case MESSAGE -> {
          if (field.isMapField()) {
            ((LearningMetrics.Builder) message)
                .putObjective("clip_fraction", number(name, numbers));
            continue;
          }
          Message.Builder child = message.newBuilderForField(field);
          if (Set.of(
                  RunAlarm.getDescriptor(), GoldFailure.getDescriptor(), Timestamp.getDescriptor())
              .contains(child.getDescriptorForType())) {
            continue;
          }
          fill(child, name + ".", numbers);
          if (field.isRepeated()) {
            message.addRepeatedField(field, child.build());
          } else {
            message.setField(field, child.build());
          }
        }
        case ENUM -> {} // an update's outcome, whose number is shown
        case LONG -> message.setField(field, (long) number(name, numbers));
        case FLOAT, BYTE_STRING -> throw new AssertionError(name + ": say here what becomes of it");
      }
      if (field.getJavaType() == FieldDescriptor.JavaType.DOUBLE) {
        numbers.merge(name, 0.5, Double::sum);
      }
    }
  }

  private static double number(String name, Map<String, Double> numbers) {
    double next = 1_000 + 7 * numbers.size();
    numbers.put(name, next);
    return next;
  }
}

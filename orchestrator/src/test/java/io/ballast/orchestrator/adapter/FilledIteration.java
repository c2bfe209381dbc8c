package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.UpdateOutcome;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.rl.objective.ObjectiveMetric;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Stream;

/** An iteration that has everything, each number another one. */
final class FilledIteration {
  private final Map<String, Double> numbers = new LinkedHashMap<>();
  private final IterationMetrics metrics;

  FilledIteration() throws ReflectiveOperationException {
    metrics = record(IterationMetrics.class, "");
  }

  IterationMetrics metrics() {
    return metrics;
  }

  /** Its numbers, by where they are. */
  Map<String, Double> numbers() {
    return numbers;
  }

  /** {@code all} with other values of these components. */
  static IterationMetrics with(IterationMetrics all, Map<String, Object> others)
      throws ReflectiveOperationException {
    List<Object> values = new ArrayList<>();
    for (RecordComponent component : IterationMetrics.class.getRecordComponents()) {
      Object same = component.getAccessor().invoke(all);
      values.add(others.getOrDefault(component.getName(), same));
    }
    return make(IterationMetrics.class, values);
  }

  /** What an objective, the learner and the loop tell of a loss, and what one may tell one day. */
  private static Stream<String> objectiveNames() {
    return Stream.concat(
        Arrays.stream(ObjectiveMetric.values()).map(each -> each.name().toLowerCase(Locale.ROOT)),
        Stream.of("entropy_nats", "kl_nats", "kl_coefficient", "of_a_later_objective"));
  }

  private <T> T record(Class<T> type, String path) throws ReflectiveOperationException {
    List<Object> values = new ArrayList<>();
    for (RecordComponent component : type.getRecordComponents()) {
      values.add(value(component.getGenericType(), path + "." + component.getName()));
    }
    return make(type, values);
  }

  private static <T> T make(Class<T> type, List<Object> values)
      throws ReflectiveOperationException {
    List<Class<?>> types = new ArrayList<>();
    for (RecordComponent component : type.getRecordComponents()) {
      types.add(component.getType());
    }
    return type.getConstructor(types.toArray(Class<?>[]::new)).newInstance(values.toArray());
  }

  private Object value(Type type, String path) throws ReflectiveOperationException {
    if (type instanceof ParameterizedType map && map.getRawType() == Map.class) {
      Map<String, Double> objective = new TreeMap<>();
      objectiveNames().forEach(name -> objective.put(name, number(path + "." + name, 0.5)));
      return objective;
    }
    if (type == UpdateOutcome.class) {
      return UpdateOutcome.UPDATED;
    }
    if (type instanceof ParameterizedType list) { // of records, or of alarms, which are counted
      Type of = list.getActualTypeArguments()[0];
      return path.endsWith("alarms") ? List.of() : List.of(value(of, path));
    }
    if (type == int.class) {
      return (int) number(path, 0);
    }
    if (type == long.class) {
      return (long) number(path, 0);
    }
    if (type == double.class || type == Double.class) {
      return number(path, 0.5);
    }
    if (type == OptionalDouble.class) {
      return OptionalDouble.of(number(path, 0.5));
    }
    if (type == boolean.class) {
      return true;
    }
    if (type == String.class) {
      return path.endsWith("constraints.name") ? "harm" : "tests";
    }
    if (type == Instant.class) {
      return Instant.EPOCH;
    }
    if (type == GoldReading.class) {
      return record(GoldReading.Measured.class, path);
    }
    if (type == EvaluationReading.class) {
      return record(EvaluationReading.Measured.class, path);
    }
    if (type == MeasuredReading.class) {
      return record(MeasuredReading.Measured.class, path);
    }
    return record((Class<?>) type, path);
  }

  private double number(String path, double half) {
    double next = 1_000 + 7 * numbers.size() + half;
    numbers.put(path, next);
    return next;
  }
}

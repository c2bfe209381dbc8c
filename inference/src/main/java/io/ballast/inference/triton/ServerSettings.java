package io.ballast.inference.triton;

import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.LogSettingsRequest;
import io.ballast.kserve.v2.LogSettingsResponse;
import io.ballast.kserve.v2.TraceSettingRequest;
import io.ballast.kserve.v2.TraceSettingResponse;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a server traces and logs. */
public final class ServerSettings {
  private final Calls calls;
  private final KServeSettings settings;

  ServerSettings(Calls calls, KServeSettings settings) {
    this.calls = calls;
    this.settings = settings;
  }

  /** Returns what is traced of all models that have no settings of their own. */
  public Map<String, List<String>> trace() {
    return trace("", Map.of());
  }

  /** Returns what is traced of a model. */
  public Map<String, List<String>> trace(String model) {
    return trace(model, Map.of());
  }

  /**
   * Changes what is traced, and returns what is then. Triton takes this only where it was started
   * with a file to trace to.
   *
   * @param model empty: all that have no settings of their own
   * @param changes such as trace_level → TIMESTAMPS; no values: back to what the server began with
   */
  public Map<String, List<String>> trace(String model, Map<String, List<String>> changes) {
    TraceSettingRequest.Builder request = TraceSettingRequest.newBuilder().setModelName(model);
    changes.forEach(
        (name, values) ->
            request.putSettings(
                name, TraceSettingRequest.SettingValue.newBuilder().addAllValue(values).build()));
    TraceSettingResponse wire =
        calls.unary(
            GRPCInferenceServiceGrpc.getTraceSettingMethod(),
            request.build(),
            settings.controlDeadline(),
            "trace settings");
    Map<String, List<String>> now = new TreeMap<>();
    wire.getSettingsMap()
        .forEach((name, value) -> now.put(name, List.copyOf(value.getValueList())));
    return now;
  }

  /** Returns what is logged. */
  public Map<String, ParameterValue> log() {
    return log(Map.of());
  }

  /**
   * Changes what is logged, and returns what is then.
   *
   * @param changes such as log_verbose_level → 1
   */
  public Map<String, ParameterValue> log(Map<String, ParameterValue> changes) {
    LogSettingsRequest.Builder request = LogSettingsRequest.newBuilder();
    changes.forEach((name, value) -> request.putSettings(name, toWire(name, value)));
    LogSettingsResponse wire =
        calls.unary(
            GRPCInferenceServiceGrpc.getLogSettingsMethod(),
            request.build(),
            settings.controlDeadline(),
            "log settings");
    Map<String, ParameterValue> now = new TreeMap<>();
    wire.getSettingsMap().forEach((name, value) -> now.put(name, fromWire(value)));
    return now;
  }

  private static LogSettingsRequest.SettingValue toWire(String name, ParameterValue value) {
    LogSettingsRequest.SettingValue.Builder wire = LogSettingsRequest.SettingValue.newBuilder();
    switch (value) {
      case ParameterValue.Truth truth -> wire.setBoolParam(truth.value());
      case ParameterValue.Whole whole -> wire.setUint32Param(level(name, whole.value()));
      case ParameterValue.Natural natural -> wire.setUint32Param(level(name, natural.value()));
      case ParameterValue.Text text -> wire.setStringParam(text.value());
      case ParameterValue.Real real ->
          throw new IllegalArgumentException(
              name + ": " + real.value() + " (expected: a truth value, a level or a text)");
    }
    return wire.build();
  }

  private static int level(String name, long value) {
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: 0 to 2^31 - 1)");
    }
    return (int) value;
  }

  private static ParameterValue fromWire(LogSettingsResponse.SettingValue wire) {
    return switch (wire.getParameterChoiceCase()) {
      case BOOL_PARAM -> new ParameterValue.Truth(wire.getBoolParam());
      case UINT32_PARAM -> new ParameterValue.Whole(Integer.toUnsignedLong(wire.getUint32Param()));
      case STRING_PARAM -> new ParameterValue.Text(wire.getStringParam());
      case PARAMETERCHOICE_NOT_SET -> new ParameterValue.Text("");
    };
  }
}

package io.ballast.console.http;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What is sent back.
 *
 * @param status of HTTP
 */
record Answer(int status, JsonNode body) {
  static Answer of(Failure failure) {
    return new Answer(failure.status(), failure.body());
  }
}

/** The properties and their ranges. */
@NullMarked
package io.ballast.orchestrator.config;

import org.jspecify.annotations.NullMarked;

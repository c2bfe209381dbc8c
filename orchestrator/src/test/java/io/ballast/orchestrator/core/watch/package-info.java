@NullMarked
package io.ballast.orchestrator.core.watch;

import org.jspecify.annotations.NullMarked;

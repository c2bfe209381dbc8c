/** What keeps prompts and completions out of logs. */
@NullMarked
package io.ballast.kit.redaction;

import org.jspecify.annotations.NullMarked;

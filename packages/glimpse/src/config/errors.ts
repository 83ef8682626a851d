/**
 * The configuration cannot be used: `problems` lists everything that is wrong with it, each with where it is written,
 * what was given and what is allowed.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** One value is not what its option takes: the message says what is allowed, the catcher adds option and place. */
export class ValueError extends Error {
  override readonly name = 'ValueError'
}

import { defineConfig } from 'vitest/config'

/** Every project runs the sources, not dist: the condition chooses `src` in each package's exports. */
const resolve = { conditions: ['@glimpse/source'] }
const ssr = { resolve: { conditions: ['@glimpse/source'] } }

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'tests/*.test.ts'],
          isolate: false,
          // No test needs this long; a machine that does other work beside it may.
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'black-box',
          include: ['tests/black-box/**/*.test.ts'],
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'crash',
          include: ['tests/crash/**/*.test.ts'],
          isolate: false,
          testTimeout: 60_000,
        },
      },
    ],
  },
})

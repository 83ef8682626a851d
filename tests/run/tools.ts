import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** A program that tests drive, and the Debian package that has it. */
const programs = [
  { program: 'openstack', package: 'python3-openstackclient' },
  { program: 'qemu-img', package: 'qemu-utils' },
  { program: 'curl', package: 'curl' },
] as const

/** Installs what is missing, where this is root on Debian. Returns a line for each program, saying what became of it. */
export function provideTools(): string[] {
  const missing = programs.filter(({ program }) => !hasProgram(program))
  if (missing.length > 0 && mayInstall()) {
    const packages = missing.map((tool) => tool.package)
    console.log(`Installing ${packages.join(', ')} with apt, for the tests that drive them`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const apt = (...args: string[]): void => {
      spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env })
    }
    apt('update')
    apt('install', '-y', '--no-install-recommends', ...packages)
  }
  return programs.map(({ program, package: name }) => {
    if (hasProgram(program)) return `${program}: here`
    return `${program}: missing (Debian: ${name}); the tests that drive it are skipped`
  })
}

export function hasProgram(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

function mayInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version')
}

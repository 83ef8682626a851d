import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: 'pipe' })
}

function mount(size: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'taskflow-disk-'))
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder)
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
  return folder
}

function unmount(folder: string): void {
  run('umount', '-l', folder)
  rmSync(folder, { recursive: true })
}

/** Why this process may not mount disks, as the end of a test's name; empty where it may. */
export const mountRefusal: string = ((): string => {
  try {
    unmount(mount('64k'))
    return ''
  } catch {
    return ' (skipped: mounting a tmpfs is not permitted here)'
  }
})()

/** A small disk of the test's own, unmounted when it ends. */
export function mountedDisk(size: string): string {
  const folder = mount(size)
  onTestFinished(() => unmount(folder))
  return folder
}

export function makeReadOnly(disk: string): void {
  run('mount', '-o', 'remount,ro', disk)
}

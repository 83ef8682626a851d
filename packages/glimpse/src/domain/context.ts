/** Who asks, and under which request id. */
export interface RequestContext {
  /** Of the form `req-UUID`; goes out as `x-openstack-request-id` and into logs and tasks. */
  readonly requestId: string
  readonly userId: string | null
  readonly projectId: string | null
  readonly roles: readonly string[]
  readonly isAdmin: boolean
}

/**
 * A small writer of real qcow2 images, for machines without qemu-img.
 *
 * Source: QEMU's docs/interop/qcow2.txt. Version 2, clusters of 64 KiB, one refcount block, one L2 table: up to 512 MiB.
 */
const clusterSize = 65_536
const copied = 1n << 63n

/**
 * A qcow2 image whose guest clusters all hold the data given.
 *
 * @param data the guest's bytes; its length is rounded up to a cluster for the virtual size.
 */
export function makeQcow2(data: Uint8Array): Buffer {
  const guestClusters = Math.ceil(data.length / clusterSize)
  if (guestClusters > clusterSize / 8)
    throw new RangeError(`at most ${clusterSize / 8} clusters of data, not ${guestClusters}`)
  const metadataClusters = 5
  const image = Buffer.alloc((metadataClusters + guestClusters) * clusterSize)
  writeHeader(image, guestClusters)
  const at = (cluster: number): number => cluster * clusterSize
  image.writeBigUInt64BE(BigInt(at(2)), at(1))
  for (let cluster = 0; cluster < metadataClusters + guestClusters; cluster++)
    image.writeUInt16BE(1, at(2) + 2 * cluster)
  image.writeBigUInt64BE(copied | BigInt(at(4)), at(3))
  for (let guest = 0; guest < guestClusters; guest++) {
    image.writeBigUInt64BE(copied | BigInt(at(metadataClusters + guest)), at(4) + 8 * guest)
  }
  image.set(data, at(metadataClusters))
  return image
}

/** Cluster 0: header, 1: refcount table, 2: refcount block, 3: L1 table, 4: L2 table, then data. */
function writeHeader(image: Buffer, guestClusters: number): void {
  image.write('QFI\xfb', 0, 'latin1')
  image.writeUInt32BE(2, 4)
  image.writeUInt32BE(16, 20)
  image.writeBigUInt64BE(BigInt(guestClusters * clusterSize), 24)
  image.writeUInt32BE(1, 36)
  image.writeBigUInt64BE(BigInt(3 * clusterSize), 40)
  image.writeBigUInt64BE(BigInt(clusterSize), 48)
  image.writeUInt32BE(1, 56)
}

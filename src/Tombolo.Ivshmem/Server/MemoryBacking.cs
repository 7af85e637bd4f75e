// SPDX-License-Identifier: MIT
namespace Tombolo.Ivshmem;

/// <summary>Where a server's shared memory comes from.</summary>
public enum MemoryBacking
{
    /// <summary>A memfd, sealed against resizing so that no peer can pull the memory away under the others. The default; leaves nothing behind.</summary>
    Memfd,
    /// <summary>A POSIX shared memory object, by name. The stock server's <c>-M</c>.</summary>
    Posix,
    /// <summary>A nameless file in a folder, a hugetlbfs for instance. The stock server's <c>-m</c>.</summary>
    Folder,
}

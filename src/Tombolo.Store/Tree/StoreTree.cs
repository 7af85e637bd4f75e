// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>Finding and changing nodes of an immutable tree. A change gives a new root that shares everything but the path with the old one.</summary>
internal static class StoreTree
{
    /// <summary>An empty tree: a root that domain 0 owns and nobody else may read. Source: xenstored, setup_structure.</summary>
    public static StoreNode Empty { get; } = StoreNode.Create([], [], new StorePermissions(new StorePermission(default, StoreAccess.None)), 0);

    /// <summary>The node at an absolute path, or null.</summary>
    public static StoreNode? Find(StoreNode root, ReadOnlySpan<byte> path)
    {
        StoreNode at = root;
        ReadOnlySpan<byte> rest = path.Length == 1 ? default : path;
        while (!rest.IsEmpty)
        {
            if (at.Children.Find(StorePath.TakePart(ref rest)) is not { } child) return null;
            at = child;
        }
        return at;
    }

    /// <summary>The deepest node that there is on a path, and how much of the path leads there.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="path">An absolute path.</param>
    /// <param name="usedBytes">The length of the path to that node; 0 for the root.</param>
    public static StoreNode Deepest(StoreNode root, ReadOnlySpan<byte> path, out int usedBytes)
    {
        StoreNode at = root;
        usedBytes = 0;
        ReadOnlySpan<byte> rest = path.Length == 1 ? default : path;
        while (!rest.IsEmpty)
        {
            if (at.Children.Find(StorePath.TakePart(ref rest)) is not { } child) return at;
            at = child;
            usedBytes = path.Length - rest.Length;
        }
        return at;
    }

    /// <summary>With a node in place of the one at a path, or added there. All above it exist.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="path">An absolute path; the root's replaces the root.</param>
    /// <param name="node">The node; its name is the path's last part.</param>
    /// <param name="stamp">The parent's children stamp, where the node is added.</param>
    public static StoreNode Put(StoreNode root, ReadOnlySpan<byte> path, StoreNode node, ulong stamp)
    {
        if (path.Length == 1) return node;
        ReadOnlySpan<byte> part = StorePath.TakePart(ref path);
        StoreNode? child = root.Children.Find(part);
        if (path.IsEmpty) return root.WithChildren(root.Children.Put(node), child is null ? stamp : root.ChildrenStamp);
        return root.WithChildren(root.Children.Put(Put(child!, path, node, stamp)), root.ChildrenStamp);
    }

    /// <summary>Without the node at a path, which exists and is not the root.</summary>
    public static StoreNode Without(StoreNode root, ReadOnlySpan<byte> path, ulong stamp)
    {
        ReadOnlySpan<byte> part = StorePath.TakePart(ref path);
        return path.IsEmpty
            ? root.WithChildren(root.Children.Without(part), stamp)
            : root.WithChildren(root.Children.Put(Without(root.Children.Find(part)!, path, stamp)), root.ChildrenStamp);
    }
}

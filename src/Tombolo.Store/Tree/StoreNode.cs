// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>One node with all below it. Immutable, so that whoever holds it has a picture that nobody changes: a transaction begins by keeping the root.</summary>
/// <remarks>Each stamp is a number used once: equal stamps mean that this aspect did not change in between.</remarks>
internal sealed class StoreNode(byte[] name, byte[] value, StorePermissions permissions, NodeMap children, ulong valueStamp, ulong permissionStamp, ulong childrenStamp)
{
    public byte[] Name => name;
    public byte[] Value => value;
    public StorePermissions Permissions => permissions;
    public NodeMap Children => children;
    public ulong ValueStamp => valueStamp;
    public ulong PermissionStamp => permissionStamp;
    public ulong ChildrenStamp => childrenStamp;

    public static StoreNode Create(byte[] name, byte[] value, StorePermissions permissions, ulong stamp) => new(name, value, permissions, NodeMap.Empty, stamp, stamp, stamp);

    public StoreNode WithValue(byte[] other, ulong stamp) => new(name, other, permissions, children, stamp, permissionStamp, childrenStamp);

    public StoreNode WithPermissions(StorePermissions other, ulong stamp) => new(name, value, other, children, valueStamp, stamp, childrenStamp);

    /// <summary>With other children; the stamp is the old one where the names are the same.</summary>
    public StoreNode WithChildren(NodeMap other, ulong stamp) => new(name, value, permissions, other, valueStamp, permissionStamp, stamp);
}

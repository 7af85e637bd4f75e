// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>One node with all below it. Immutable, so that whoever holds it has a picture that nobody changes: a transaction begins by keeping the root.</summary>
/// <remarks>Each stamp is a number used once: equal stamps mean that this aspect did not change in between.</remarks>
internal sealed class StoreNode
{
    public required byte[] Name { get; init; }
    public required byte[] Value { get; init; }
    public required StorePermissions Permissions { get; init; }
    public required NodeMap Children { get; init; }
    public required ulong ValueStamp { get; init; }
    public required ulong PermissionStamp { get; init; }
    public required ulong ChildrenStamp { get; init; }

    public static StoreNode Create(byte[] name, byte[] value, StorePermissions permissions, ulong stamp) => new()
    {
        Name = name,
        Value = value,
        Permissions = permissions,
        Children = NodeMap.Empty,
        ValueStamp = stamp,
        PermissionStamp = stamp,
        ChildrenStamp = stamp,
    };

    public StoreNode WithValue(byte[] value, ulong stamp) => new()
    {
        Name = Name,
        Value = value,
        Permissions = Permissions,
        Children = Children,
        ValueStamp = stamp,
        PermissionStamp = PermissionStamp,
        ChildrenStamp = ChildrenStamp,
    };

    public StoreNode WithPermissions(StorePermissions permissions, ulong stamp) => new()
    {
        Name = Name,
        Value = Value,
        Permissions = permissions,
        Children = Children,
        ValueStamp = ValueStamp,
        PermissionStamp = stamp,
        ChildrenStamp = ChildrenStamp,
    };

    /// <summary>With other children; the stamp is the old one where the names are the same.</summary>
    public StoreNode WithChildren(NodeMap children, ulong stamp) => new()
    {
        Name = Name,
        Value = Value,
        Permissions = Permissions,
        Children = children,
        ValueStamp = ValueStamp,
        PermissionStamp = PermissionStamp,
        ChildrenStamp = stamp,
    };
}

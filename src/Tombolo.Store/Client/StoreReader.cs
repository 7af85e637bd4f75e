// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Store;

/// <summary>What a client and a transaction have in common: reading and changing nodes. Thread-safe; many requests may be under way at once.</summary>
/// <remarks>Every method fails with a <see cref="StoreException"/> whose <see cref="StoreException.Error"/> is the server's answer.</remarks>
public abstract class StoreReader
{
    private protected StoreReader() { }

    private protected abstract ValueTask<byte[]> Ask(StoreOperation operation, string first, ReadOnlySpan<byte> rest = default);

    /// <summary>Reads a value.</summary>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    /// <returns>The value as text; null where there is no such node.</returns>
    public async ValueTask<string?> ReadAsync(string path) => await ReadBytesAsync(path) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>Reads a value.</summary>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    /// <returns>The value; null where there is no such node.</returns>
    public async ValueTask<byte[]?> ReadBytesAsync(string path)
    {
        try { return await Ask(StoreOperation.Read, path); }
        catch (StoreException exception) when (exception.Error == StoreError.ENOENT) { return null; }
    }

    /// <summary>Sets a value, and makes the node and its parents where they are missing.</summary>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    /// <param name="value">Written as UTF-8.</param>
    public async ValueTask WriteAsync(string path, string value) => await WriteBytesAsync(path, Encoding.UTF8.GetBytes(value));

    /// <inheritdoc cref="WriteAsync"/>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    /// <param name="value">Any bytes.</param>
    public async ValueTask WriteBytesAsync(string path, ReadOnlyMemory<byte> value) => _ = await Ask(StoreOperation.Write, path, value.Span);

    /// <summary>Makes a node, and its parents, where there is none; one that exists stays as it is.</summary>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    public async ValueTask MakeDirectoryAsync(string path) => _ = await Ask(StoreOperation.MakeDirectory, path);

    /// <summary>Removes a node and all below it.</summary>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    /// <returns>False where its parent is missing too. A missing node with a parent is no difference to the server.</returns>
    public async ValueTask<bool> RemoveAsync(string path)
    {
        try
        {
            _ = await Ask(StoreOperation.Remove, path);
            return true;
        }
        catch (StoreException exception) when (exception.Error == StoreError.ENOENT) { return false; }
    }

    /// <summary>Lists the names of a node's children; long lists are fetched in parts, and begun anew where they change meanwhile.</summary>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    /// <returns>The names; null where there is no such node.</returns>
    public async ValueTask<IReadOnlyList<string>?> ListAsync(string path)
    {
        try { return Names(await Ask(StoreOperation.Directory, path)); }
        catch (StoreException exception) when (exception.Error == StoreError.ENOENT) { return null; }
        catch (StoreException exception) when (exception.Error == StoreError.E2BIG) { return await ListPartsAsync(path); }
    }

    /// <summary>Reads permissions.</summary>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    /// <returns>The permissions; null where there is no such node.</returns>
    public async ValueTask<StorePermissions?> GetPermissionsAsync(string path)
    {
        try
        {
            return StorePermissions.TryRead(await Ask(StoreOperation.GetPermissions, path), out StorePermissions permissions) ? permissions
                : throw new StoreException($"The store's server answered with permissions of '{path}' that are none.");
        }
        catch (StoreException exception) when (exception.Error == StoreError.ENOENT) { return null; }
    }

    /// <summary>Sets permissions.</summary>
    /// <param name="path">Absolute, or relative to the caller's home.</param>
    /// <param name="permissions">The new permissions.</param>
    public async ValueTask SetPermissionsAsync(string path, StorePermissions permissions)
    {
        byte[] bytes = new byte[8 * permissions.Entries.Count];
        int length = permissions.Write(bytes);
        _ = await Ask(StoreOperation.SetPermissions, path, bytes.AsSpan(0, length));
    }

    private static List<string> Names(ReadOnlySpan<byte> payload)
    {
        List<string> names = [];
        while (StoreText.TryTake(ref payload, out ReadOnlySpan<byte> name)) names.Add(StoreText.ToText(name));
        return names;
    }

    private async ValueTask<IReadOnlyList<string>?> ListPartsAsync(string path)
    {
        List<string> all = [];
        string? generation = null;
        for (int offset = 0; ;)
        {
            byte[] part;
            try { part = await Ask(StoreOperation.DirectoryPart, path, Encoding.ASCII.GetBytes($"{offset}\0")); }
            catch (StoreException exception) when (exception.Error == StoreError.ENOENT) { return null; }
            List<string> names = Names(part);
            if (names.Count == 0) throw new StoreException($"The store's server answered with a part of the children of '{path}' that is none.");
            bool isLast = part.Length >= 2 && part[^1] == 0 && part[^2] == 0;
            if (names[0] != (generation ??= names[0]))
            {
                (generation, offset) = (null, 0);
                all.Clear();
                continue;
            }
            List<string> children = isLast ? names[1..^1] : names[1..];
            all.AddRange(children);
            if (isLast) return all;
            if (children.Count == 0) throw new StoreException($"The store's server answered with an empty part of the children of '{path}'.");
            offset += children.Sum(name => Encoding.UTF8.GetByteCount(name) + 1);
        }
    }
}

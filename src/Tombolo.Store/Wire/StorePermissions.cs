// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Store;

/// <summary>What a domain may do with a node.</summary>
[Flags]
public enum StoreAccess : byte
{
    /// <summary>Nothing ('n').</summary>
    None = 0,
    /// <summary>Read its value, names of children, permissions ('r').</summary>
    Read = 1,
    /// <summary>Set its value, make children, remove it ('w').</summary>
    Write = 2,
    /// <summary>Both ('b').</summary>
    Both = 3,
}

/// <summary>One entry of a node's permissions.</summary>
/// <param name="Domain">Whom it is about; in the first entry, the owner.</param>
/// <param name="Access">What the domain may do; in the first entry, what every domain without an entry may.</param>
public readonly record struct StorePermission(DomainId Domain, StoreAccess Access)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Letter(Access)}{Domain.Value}");

    internal static char Letter(StoreAccess access) => access switch { StoreAccess.Read => 'r', StoreAccess.Write => 'w', StoreAccess.Both => 'b', _ => 'n' };

    internal static bool TryRead(ReadOnlySpan<byte> text, out StorePermission permission)
    {
        permission = default;
        if (text.Length < 2 || !StoreText.TryDomain(text[1..], out DomainId domain)) return false;
        StoreAccess? access = text[0] switch { (byte)'r' => StoreAccess.Read, (byte)'w' => StoreAccess.Write, (byte)'b' => StoreAccess.Both, (byte)'n' => StoreAccess.None, _ => null };
        if (access is not { } known) return false;
        permission = new(domain, known);
        return true;
    }
}

/// <summary>A node's permissions: the first entry names the owner and what everybody else may, the others name one domain each. Immutable.</summary>
/// <remarks>Source: Xen docs/misc/xenstore.txt, "Permissions".</remarks>
public sealed class StorePermissions : IEquatable<StorePermissions>
{
    private readonly StorePermission[] _entries;

    /// <summary>Permissions of these entries.</summary>
    /// <param name="entries">At least one; the first is the owner's.</param>
    /// <exception cref="ArgumentException">There is no entry.</exception>
    public StorePermissions(params ReadOnlySpan<StorePermission> entries)
    {
        if (entries.IsEmpty) throw new ArgumentException("A node's permissions have at least one entry, the owner's.", nameof(entries));
        _entries = entries.ToArray();
    }

    /// <summary>The entries, the owner's first.</summary>
    public IReadOnlyList<StorePermission> Entries => _entries;

    /// <summary>Who owns the node.</summary>
    public DomainId Owner => _entries[0].Domain;

    /// <summary>Reads permissions as people write them: "n0,r5" or "n0 r5".</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">It is not a list of letters r, w, b, n, each with a domain's number.</exception>
    public static StorePermissions Parse(string text)
    {
        List<StorePermission> entries = [];
        foreach (string word in text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries))
            entries.Add(StorePermission.TryRead(System.Text.Encoding.UTF8.GetBytes(word), out StorePermission entry) ? entry
                : throw new FormatException($"'{word}' is no permission: it is one of the letters r, w, b, n with a domain's number behind it, such as r5."));
        return entries.Count > 0 ? new([.. entries]) : throw new FormatException("Permissions have at least one entry, such as n0.");
    }

    /// <summary>What a domain may do; the owner and domain 0 may do everything.</summary>
    /// <param name="domain">The domain.</param>
    public StoreAccess For(DomainId domain)
    {
        if (domain.Value == 0 || domain == _entries[0].Domain) return StoreAccess.Both;
        for (int i = 1; i < _entries.Length; i++)
            if (_entries[i].Domain == domain) return _entries[i].Access;
        return _entries[0].Access;
    }

    /// <inheritdoc/>
    public bool Equals(StorePermissions? other) => other is not null && _entries.AsSpan().SequenceEqual(other._entries);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as StorePermissions);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = new();
        foreach (StorePermission entry in _entries) hash.Add(entry);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', _entries);

    internal ReadOnlySpan<StorePermission> Span => _entries;

    /// <summary>These, owned by another domain.</summary>
    internal StorePermissions OwnedBy(DomainId owner)
    {
        if (Owner == owner) return this;
        StorePermissions copy = new(_entries);
        copy._entries[0] = _entries[0] with { Domain = owner };
        return copy;
    }

    /// <summary>Reads entries, each closed by a zero.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> payload, out StorePermissions permissions)
    {
        permissions = null!;
        List<StorePermission> entries = [];
        while (!payload.IsEmpty)
        {
            if (!StoreText.TryTake(ref payload, out ReadOnlySpan<byte> text) || !StorePermission.TryRead(text, out StorePermission entry)) return false;
            entries.Add(entry);
        }
        if (entries.Count == 0) return false;
        permissions = new([.. entries]);
        return true;
    }

    /// <summary>Writes the entries, each closed by a zero.</summary>
    /// <returns>Bytes written, or -1 where they do not fit.</returns>
    internal int Write(Span<byte> destination)
    {
        int at = 0;
        foreach (StorePermission entry in _entries)
        {
            if (destination.Length - at < 8) return -1;   // a letter, at most five digits, the zero
            destination[at++] = (byte)StorePermission.Letter(entry.Access);
            _ = System.Buffers.Text.Utf8Formatter.TryFormat(entry.Domain.Value, destination[at..], out int digits);
            at += digits;
            destination[at++] = 0;
        }
        return at;
    }
}

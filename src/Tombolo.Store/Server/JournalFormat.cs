// SPDX-License-Identifier: MIT
using System.Buffers;
using System.Buffers.Binary;

namespace Tombolo.Store;

/// <summary>The entries of a journal's records.</summary>
/// <remarks>
/// Source: docs/specs/store.md. An entry is a byte of kind and its fields, little-endian; texts have a u16 of length before them, values a u32.
/// <code>
///  1 write: actor u16, path, value | 2 make: actor u16, path | 3 remove: path | 4 permissions: path, count u16, entries of domain u16, access u8
/// 16 watch: connection u64, home bytes u16, path, token | 17 unwatch: connection u64, path, token
/// 18 transaction began, 19 ended: connection u64, id u32 | 20 domain known: domain u16, target + 1 u16 | 21 domain gone: domain u16
/// </code>
/// </remarks>
internal sealed class JournalWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new(4096);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public void Clear() => _bytes.ResetWrittenCount();

    public void Change(in StoreChange change)
    {
        Byte((byte)change.Kind);
        if (change.Kind is ChangeKind.Write or ChangeKind.Make) UInt16(change.Actor.Value);
        Text(change.Path);
        if (change.Kind == ChangeKind.Write)
        {
            UInt32((uint)change.Value.Length);
            _bytes.Write(change.Value);
        }
        else if (change.Kind == ChangeKind.Permissions)
        {
            ReadOnlySpan<StorePermission> entries = change.Permissions!.Span;
            UInt16((ushort)entries.Length);
            foreach (StorePermission entry in entries)
            {
                UInt16(entry.Domain.Value);
                Byte((byte)entry.Access);
            }
        }
    }

    public void Watch(ulong connection, StoreWatch watch)
    {
        Byte(16);
        UInt64(connection);
        UInt16((ushort)watch.HomeBytes);
        Text(watch.Path);
        Text(watch.Token);
    }

    public void Unwatch(ulong connection, StoreWatch watch)
    {
        Byte(17);
        UInt64(connection);
        Text(watch.Path);
        Text(watch.Token);
    }

    public void Transaction(ulong connection, uint id, bool isBegin)
    {
        Byte(isBegin ? (byte)18 : (byte)19);
        UInt64(connection);
        UInt32(id);
    }

    public void DomainKnown(DomainId domain, DomainId? target)
    {
        Byte(20);
        UInt16(domain.Value);
        UInt16((ushort)(target is { } other ? other.Value + 1 : 0));
    }

    public void DomainGone(DomainId domain)
    {
        Byte(21);
        UInt16(domain.Value);
    }

    private void Byte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
    }

    private void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.GetSpan(2), value);
        _bytes.Advance(2);
    }

    private void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.GetSpan(4), value);
        _bytes.Advance(4);
    }

    private void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        UInt16((ushort)text.Length);
        _bytes.Write(text);
    }
}

/// <summary>Hears the entries of a journal, in order.</summary>
internal interface IJournalReader
{
    void Change(in StoreChange change);

    void Watch(ulong connection, int homeBytes, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token);

    void Unwatch(ulong connection, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token);

    void Transaction(ulong connection, uint id, bool isBegin);

    void DomainKnown(DomainId domain, DomainId? target);

    void DomainGone(DomainId domain);
}

/// <summary>Reads the entries of one record.</summary>
internal ref struct JournalEntries(ReadOnlySpan<byte> record)
{
    private ReadOnlySpan<byte> _rest = record;
    private bool _isBad;

    /// <summary>Reads all entries.</summary>
    /// <returns>False where one is none: those before it were told, nothing behind it is.</returns>
    public static bool TryRead(ReadOnlySpan<byte> record, IJournalReader reader)
    {
        JournalEntries entries = new(record);
        while (!entries._rest.IsEmpty)
            if (!entries.One(reader)) return false;
        return true;
    }

    private bool One(IJournalReader reader)
    {
        byte kind = Take(1)[0];
        switch (kind)
        {
            case 1 or 2 or 3 or 4:
                return Change((ChangeKind)kind, reader);
            case 16 or 17:
                {
                    ulong connection = UInt64();
                    int home = kind == 16 ? UInt16() : 0;
                    ReadOnlySpan<byte> path = Take(UInt16()), token = Take(UInt16());
                    if (_isBad || path.IsEmpty || home >= Math.Max(1, path.Length) || !(StorePath.IsSpecial(path) || StorePath.IsAbsolute(path))) return false;
                    if (kind == 16) reader.Watch(connection, home, path, token);
                    else reader.Unwatch(connection, path, token);
                    return true;
                }
            case 18 or 19:
                {
                    ulong connection = UInt64();
                    uint id = UInt32();
                    if (!_isBad && id != 0) reader.Transaction(connection, id, kind == 18);
                    return !_isBad && id != 0;
                }
            case 20 or 21:
                {
                    ushort domain = UInt16(), target = kind == 20 ? UInt16() : (ushort)0;
                    if (_isBad || domain > DomainId.Highest || target > DomainId.Highest + 1) return false;
                    if (kind == 20) reader.DomainKnown(new(domain), target == 0 ? null : new DomainId((ushort)(target - 1)));
                    else reader.DomainGone(new(domain));
                    return true;
                }
            default:
                return false;
        }
    }

    private bool Change(ChangeKind kind, IJournalReader reader)
    {
        ushort actor = kind is ChangeKind.Write or ChangeKind.Make ? UInt16() : (ushort)0;
        ReadOnlySpan<byte> path = Take(UInt16());
        byte[] value = kind == ChangeKind.Write ? Take((int)Math.Min(UInt32(), int.MaxValue)).ToArray() : [];
        StorePermissions? permissions = null;
        if (kind == ChangeKind.Permissions)
        {
            int count = UInt16();
            List<StorePermission> entries = [];
            for (int i = 0; i < count && !_isBad; i++) entries.Add(new(new(UInt16()), (StoreAccess)(Take(1)[0] & 3)));
            if (entries.Count == 0 || _isBad) return false;
            permissions = new([.. entries]);
        }
        bool isPath = StorePath.IsAbsolute(path) || (kind == ChangeKind.Permissions && StorePath.IsSpecial(path));
        if (_isBad || !isPath || actor > DomainId.Highest) return false;
        reader.Change(new(kind, path.ToArray(), new(actor), value, permissions));
        return true;
    }

    // What is not there reads as zeros, and is said at the end.
    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            _isBad = true;
            _rest = default;
            return new byte[Math.Min(count, 8)];
        }
        ReadOnlySpan<byte> part = _rest[..count];
        _rest = _rest[count..];
        return part;
    }

    private ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    private uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
}

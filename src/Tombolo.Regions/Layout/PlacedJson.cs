// SPDX-License-Identifier: MIT
using System.Text;
using System.Text.Json;

namespace Tombolo.Regions;

/// <summary>A JSON value that remembers where it stands.</summary>
/// <param name="At">Its first byte in the text.</param>
/// <param name="Path">Its path.</param>
internal abstract record PlacedJson(long At, string Path)
{
    /// <summary>What it is, for a sentence.</summary>
    public abstract string Shown { get; }

    /// <summary>Reads a text.</summary>
    /// <exception cref="JsonException">It is no JSON; the exception says where.</exception>
    public static PlacedJson Parse(ReadOnlySpan<byte> text, Action<long, string, string> fault)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 32 });
        _ = reader.Read();
        PlacedJson root = Value(ref reader, "$", fault);
        while (reader.Read()) { }   // throws on anything that follows
        return root;
    }

    private static PlacedJson Value(ref Utf8JsonReader reader, string path, Action<long, string, string> fault)
    {
        long at = reader.TokenStartIndex;
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new Dictionary<string, PlacedJson>(StringComparer.Ordinal);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    string key = reader.GetString() ?? "";
                    long keyAt = reader.TokenStartIndex;
                    _ = reader.Read();
                    PlacedJson value = Value(ref reader, $"{path}.{key}", fault);
                    if (!members.TryAdd(key, value)) fault(keyAt, value.Path, $"'{key}' stands here twice; the first one counts, so remove one.");
                }
                return new PlacedObject(at, path, members);
            case JsonTokenType.StartArray:
                var items = new List<PlacedJson>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) items.Add(Value(ref reader, $"{path}[{items.Count}]", fault));
                return new PlacedArray(at, path, items);
            case JsonTokenType.String:
                return new PlacedText(at, path, reader.GetString() ?? "");
            default:
                return new PlacedWord(at, path, Encoding.UTF8.GetString(reader.ValueSpan));
        }
    }
}

internal sealed record PlacedObject(long At, string Path, IReadOnlyDictionary<string, PlacedJson> Members) : PlacedJson(At, Path)
{
    public override string Shown => "an object";
}

internal sealed record PlacedArray(long At, string Path, IReadOnlyList<PlacedJson> Items) : PlacedJson(At, Path)
{
    public override string Shown => "a list";
}

internal sealed record PlacedText(long At, string Path, string Text) : PlacedJson(At, Path)
{
    public override string Shown => $"'{(Text.Length > 40 ? Text[..40] + "…" : Text)}'";
}

/// <summary>A number, true, false or null, as it is written.</summary>
internal sealed record PlacedWord(long At, string Path, string Word) : PlacedJson(At, Path)
{
    public override string Shown => Word;
}

// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>Who may do something: users and groups, by name or number. Empty: anybody whom the socket's file mode lets in.</summary>
/// <param name="Users">User names or numbers.</param>
/// <param name="Groups">Group names or numbers.</param>
public sealed record AccessList(IReadOnlyList<string> Users, IReadOnlyList<string> Groups)
{
    /// <summary>Nobody in particular.</summary>
    public static AccessList Empty { get; } = new([], []);

    /// <summary>True where nobody is named.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsEmpty => Users.Count == 0 && Groups.Count == 0;

    /// <summary>Both lists together.</summary>
    /// <param name="other">The other list.</param>
    public AccessList With(AccessList other) => new([.. Users.Union(other.Users)], [.. Groups.Union(other.Groups)]);
}

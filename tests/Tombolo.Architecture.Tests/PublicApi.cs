// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Tombolo.Architecture.Tests;

/// <summary>What a library offers, a line for each public type and member, sorted: a change of it is a change of a line.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> _keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short",
        [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(double)] = "double", [typeof(float)] = "float", [typeof(char)] = "char",
    };

    public static IEnumerable<string> Of(Assembly library) =>
        library.GetExportedTypes().SelectMany(static type => Members(type).Order(StringComparer.Ordinal).Select(member => $"{Name(type)}.{member}").Prepend(Head(type))).Order(StringComparer.Ordinal);

    private static string Head(Type type)
    {
        string kind = type.IsEnum ? $"enum({Name(Enum.GetUnderlyingType(type))})" : type.IsInterface ? "interface" : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
            : type.IsValueType ? (type.IsByRefLike ? "ref struct" : "struct") : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
        return $"{Name(type)}: {kind}{(type.BaseType is { } parent && parent != typeof(object) && !type.IsValueType ? " of " + Name(parent) : "")}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum) return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToString(Convert.ChangeType(Enum.Parse(type, name), Enum.GetUnderlyingType(type), CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)}");
        return type.GetMembers(Declared).Where(static member => !member.IsDefined(typeof(CompilerGeneratedAttribute)) && !member.Name.Contains('<', StringComparison.Ordinal)).Select(Line).OfType<string>();
    }

    private static string? Line(MemberInfo member) => member switch
    {
        FieldInfo field when IsSeen(field) => $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}{(field.IsLiteral ? " = " + Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture) : "")}",
        PropertyInfo property when property.GetAccessors(true).Any(IsSeen) => $"{Property(property)} {{{string.Concat(property.GetAccessors(true).Where(IsSeen).Select(Accessor))} }}",
        EventInfo { AddMethod: { } add } happening when IsSeen(add) => $"event {Name(happening.EventHandlerType!)} {happening.Name}",
        ConstructorInfo constructor when IsSeen(constructor) && !constructor.IsStatic => $"new({Parameters(constructor)})",
        MethodInfo method when IsSeen(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) => $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType)} {method.Name}{Generics(method)}({Parameters(method)})",
        _ => null,
    };

    private static string Property(PropertyInfo property)
    {
        ParameterInfo[] index = property.GetIndexParameters();
        string name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
        return $"{(property.GetAccessors(true)[0].IsStatic ? "static " : "")}{(property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "")}{Name(property.PropertyType)} {name}";
    }

    private static string Accessor(MethodInfo accessor) => accessor.ReturnType != typeof(void) ? " get;"
        : accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;";

    private static bool IsSeen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsSeen(FieldInfo field) => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly;

    private static string Generics(MethodInfo method) => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string way = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "";
        string value = parameter.HasDefaultValue ? " = " + (parameter.DefaultValue is { } given ? Convert.ToString(given, CultureInfo.InvariantCulture) : "default") : "";
        return $"{way}{Name(parameter.ParameterType)} {parameter.Name}{value}";
    }

    private static string Name(Type type)
    {
        if (type.IsByRef) return Name(type.GetElementType()!);
        if (type.IsArray) return Name(type.GetElementType()!) + "[]";
        if (type.IsPointer) return Name(type.GetElementType()!) + "*";
        if (Nullable.GetUnderlyingType(type) is { } value) return Name(value) + "?";
        if (_keywords.TryGetValue(type, out string? keyword)) return keyword;
        string name = type.Name.Split('`')[0];
        if (type is { IsNested: true, IsGenericParameter: false }) name = $"{Name(type.DeclaringType!)}.{name}";
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }
}
